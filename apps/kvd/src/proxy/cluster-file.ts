// What a proxy remembers: the peer URLs of the cluster, in `<data dir>/proxy/cluster`. From the first
// time on they come from there and not from flags. Spec: cluster.md §13, server-flags.md §7.

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { KvdError } from "../errors.ts";
import { isSystemError, systemErrorReason } from "../system-error.ts";

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

const content = z.object({ PeerURLs: z.array(z.string()) });

/** The file of one data directory. One write at a time. */
export class ClusterFile {
  readonly path: string;
  readonly #directory: string;

  constructor(dataDir: string) {
    this.#directory = join(dataDir, "proxy");
    this.path = join(this.#directory, "cluster");
  }

  /**
   * The peer URLs, or null when nothing was ever written. Makes the directory.
   *
   * @throws {KvdError} `E_DATA_DIR` when the directory cannot be made or the file cannot be understood.
   */
  async read(): Promise<readonly string[] | null> {
    let text: string;
    try {
      await mkdir(this.#directory, { recursive: true, mode: DIRECTORY_MODE });
      text = await readFile(this.path, "utf8");
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (error.code === "ENOENT") return null;
      const reason = `${error.syscall} ${error.path}: ${systemErrorReason(error)}`;
      throw new KvdError("E_DATA_DIR", `cannot access data directory: ${reason}`, { cause: error });
    }
    const parsed = content.safeParse(parseJson(text));
    if (parsed.success) return parsed.data.PeerURLs;
    throw new KvdError("E_DATA_DIR", `${this.path} is not a list of peer URLs`);
  }

  /** Replaces the file: a crash leaves the old content or the new one. */
  async write(peerUrls: readonly string[]): Promise<void> {
    const backup = `${this.path}.bak`;
    const file = await open(backup, "w", FILE_MODE);
    try {
      await file.writeFile(JSON.stringify({ PeerURLs: peerUrls }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(backup, this.path);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the schema refuses it, and the message names the file
  }
}
