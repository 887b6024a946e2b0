// What a data directory holds, whose it is, and where things are in it.
// Source: disk-format.md §1.
//
//   member/wal  member/snap      a member (2.0.2 and later)
//   wal  snap                    a member of 2.0.0 or 2.0.1: to be moved into member/
//   proxy/cluster                a proxy

import * as path from "node:path";
import { WalError } from "./errors.ts";
import { isMissing } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";

/** `member-2.0.0` must be migrated before it is used; `empty` also stands for a missing directory. */
export type DataDirKind = "empty" | "member" | "member-2.0.0" | "proxy";

/** The places in the data directory of a member and a proxy. */
export interface DataDirPaths {
  readonly member: string;
  readonly wal: string;
  readonly snap: string;
  /** There when 3.x, or 2.3 with its v3 demo, has used the directory. */
  readonly v3Database: string;
  readonly proxy: string;
  readonly proxyCluster: string;
}

/** Names at the top of a directory of 0.4, which no 2.x understands. */
const LAYOUT_0_4 = ["snapshot", "conf", "log"] as const;

/** The places for a data directory; `walDir`, when it is given (not empty), holds the segments itself. */
export function pathsOf(dataDir: string, options: { readonly walDir?: string } = {}): DataDirPaths {
  const member = path.join(dataDir, "member");
  const snap = path.join(member, "snap");
  const proxy = path.join(dataDir, "proxy");
  const { walDir = "" } = options;
  return {
    member,
    wal: walDir === "" ? path.join(member, "wal") : walDir,
    snap,
    v3Database: path.join(snap, "db"),
    proxy,
    proxyCluster: path.join(proxy, "cluster"),
  };
}

/**
 * Tells what a data directory is, without changing it. Names that mean nothing here are ignored.
 *
 * @throws {WalError} `E_LAYOUT` for a member and a proxy in one, and for the layout of 0.4; `E_IO`.
 */
export async function detectDataDir(dataDir: string, fileSystem: FileSystem): Promise<DataDirKind> {
  const names = await listOrEmpty(dataDir, fileSystem);
  const has = (name: string): boolean => names.includes(name);
  if (has("member") && has("proxy")) {
    throw new WalError("E_LAYOUT", "invalid datadir. Both member and proxy directories exist.");
  }
  const hasOldLog = has("wal") && (await listOrEmpty(path.join(dataDir, "wal"), fileSystem)).length > 0;
  if (has("member")) {
    // A migration that was interrupted: the log has not been moved yet.
    const isMoved = (await listOrEmpty(pathsOf(dataDir).member, fileSystem)).includes("wal");
    return hasOldLog && !isMoved ? "member-2.0.0" : "member";
  }
  if (has("proxy")) return "proxy";
  if (LAYOUT_0_4.every(has)) {
    throw new WalError(
      "E_LAYOUT",
      "the data directory was written by etcd 0.4 and must be upgraded by 2.x first",
    );
  }
  return hasOldLog && has("snap") ? "member-2.0.0" : "empty";
}

/**
 * Moves the directories of 2.0.0 to where later versions have them: the log last, so that an interrupted
 * move can be repeated. Does nothing when there is nothing to move.
 *
 * @throws {WalError} `E_IO`
 */
export async function migrateDataDir(dataDir: string, fileSystem: FileSystem): Promise<void> {
  const { member } = pathsOf(dataDir);
  const names = await listOrEmpty(dataDir, fileSystem);
  try {
    await fileSystem.makeDirectory(member);
    for (const name of ["snap", "wal"]) {
      if (names.includes(name)) await fileSystem.rename(path.join(dataDir, name), path.join(member, name));
    }
    await fileSystem.syncDirectory(member);
    await fileSystem.syncDirectory(dataDir);
  } catch (cause) {
    throw new WalError("E_IO", "the directories of 2.0.0 cannot be moved", { cause });
  }
}

/**
 * Refuses to go on when snapshots are there but the log is gone: a member that started empty then
 * would forget its votes and its promises. To be called before a log is created.
 *
 * @throws {WalError} `E_LOG_LOST`, `E_IO`
 */
export async function refuseLostLog(
  paths: Pick<DataDirPaths, "wal" | "snap">,
  fileSystem: FileSystem,
): Promise<void> {
  const log = await listOrEmpty(paths.wal, fileSystem);
  if (log.some((name) => name.endsWith(".wal"))) return;
  const snapshot = (await listOrEmpty(paths.snap, fileSystem)).find((name) => name.endsWith(".snap"));
  if (snapshot === undefined) return;
  throw new WalError(
    "E_LOG_LOST",
    `there is a snapshot (${snapshot}) but no log: the log directory was lost or emptied`,
  );
}

async function listOrEmpty(directory: string, fileSystem: FileSystem): Promise<string[]> {
  try {
    return await fileSystem.list(directory);
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new WalError("E_IO", "the data directory cannot be listed", { cause });
  }
}
