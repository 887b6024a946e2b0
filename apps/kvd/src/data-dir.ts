// What kvd checks about the data directory around the opening of the listeners: whose it is, and
// whether it can be written. What is inside is the business of @kv/server. Spec: server-flags.md §5.2, §5.5.

import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeFileSystem } from "@kv/server";
import type { ServerConfig } from "@kv/server";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { isSystemError, systemErrorReason } from "./system-error.ts";

const PROBE_FILE = ".touch";

/**
 * Finds out what the directory was used for, and logs what does not belong there.
 *
 * @throws {KvdError} `E_DATA_DIR` when it cannot be listed or is both kinds.
 */
export async function inspectDataDir(dir: string, logger: Logger): Promise<"member" | "proxy" | "empty"> {
  const names = await namesIn(dir);
  for (const name of names) {
    if (name === "member" || name === "proxy") continue;
    logger.warn(
      `found invalid file/dir ${name} under data dir ${dir} (Ignore this if you are upgrading etcd)`,
    );
  }
  const isMember = names.includes("member");
  if (!names.includes("proxy")) return isMember ? "member" : "empty";
  if (isMember) throw new KvdError("E_DATA_DIR", "invalid datadir. Both member and proxy directories exist.");
  return "proxy";
}

/** Whether a member has run here: then its log says who belongs to the cluster, and no flag does. */
export async function hasLog(config: Pick<ServerConfig, "dataDir" | "walDir">): Promise<boolean> {
  // The second place is that of 2.0.0, which @kv/server moves.
  const places =
    config.walDir === null
      ? [join(config.dataDir, "member", "wal"), join(config.dataDir, "wal")]
      : [config.walDir];
  const names = await Promise.all(places.map(namesIn));
  return names.flat().some((name) => name.endsWith(".wal"));
}

/**
 * Creates the directory if need be, and writes a file there to see whether it can.
 *
 * @throws {KvdError} `E_DATA_DIR`
 */
export async function ensureWritable(dir: string): Promise<void> {
  const probe = join(dir, PROBE_FILE);
  try {
    await nodeFileSystem.makeDirectory(dir);
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = `${error.syscall} ${error.path}: ${systemErrorReason(error)}`;
    throw new KvdError("E_DATA_DIR", `cannot access data directory: ${reason}`, { cause: error });
  }
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === "ENOENT") return [];
    throw new KvdError("E_DATA_DIR", `error listing data dir: ${dir}`, { cause: error });
  }
}
