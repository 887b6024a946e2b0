// The few file operations this package uses, as an interface: node:fs in production, a disk that
// fails or forgets in tests. Every operation rejects (or throws) with the system's error; nothing
// here retries. Hot path: `writeSync`, `datasyncSync`.

import * as fs from "node:fs";
import * as fsPromises from "node:fs/promises";
import { dirname, resolve as resolvePath } from "node:path";

/** Mode bits of directories that are created: only the owner may look. */
const DIRECTORY_MODE = 0o700;
/** Mode bits of log segments. */
export const SEGMENT_MODE = 0o600;
/** Mode bits of snapshot files, before the umask. */
export const SNAPSHOT_MODE = 0o666;

/** An open file. Positions and lengths are in bytes; every access names its position. */
export interface FileHandle {
  /** Fills `target` from `position` on as far as the file goes; resolves with the number of bytes read. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes `length` bytes from the start of `source`; returns how many were written. */
  writeSync(source: Uint8Array, length: number, position: number): number;
  /** The same through the thread pool. `source` must not change until it resolves. */
  write(source: Uint8Array, length: number, position: number): Promise<number>;
  /** Cuts the file off behind `sizeBytes`, or fills it up to there with zeros. */
  truncate(sizeBytes: number): Promise<void>;
  /** Makes the content and the size durable. */
  datasync(): Promise<void>;
  /** The same in this thread, which waits for the disk. */
  datasyncSync(): void;
  /** Gives the file back; the last call. */
  close(): Promise<void>;
}

/** What `status` tells. `deviceId` and `inode` identify a directory on this machine. */
export interface FileStatus {
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
  readonly deviceId: bigint;
  readonly inode: bigint;
}

/** `read`: must exist. `write`: must exist, for reading and writing. `create`: created or emptied, for writing. */
export type OpenMode = "read" | "write" | "create";

/** A file system. Paths are absolute or relative to the working directory. */
export interface FileSystem {
  /** Names in a directory, unordered. Rejects when it is missing. */
  list(directory: string): Promise<string[]>;
  /** Null when there is nothing under that path. */
  status(path: string): Promise<FileStatus | null>;
  /** Creates the directory and its parents, durably; fine when it exists. */
  makeDirectory(directory: string): Promise<void>;
  /** `permissions` are used when the file is created. */
  open(path: string, mode: OpenMode, permissions: number): Promise<FileHandle>;
  /** Replaces what is at `to`, in one step. Not durable before `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Not durable before `syncDirectory`. */
  remove(path: string): Promise<void>;
  /** Makes names created, renamed or removed in a directory durable. */
  syncDirectory(directory: string): Promise<void>;
}

/** The real one. */
export const nodeFileSystem: FileSystem = {
  list: (directory) => fsPromises.readdir(directory),

  async status(path) {
    const stats = await fsPromises.stat(path, { bigint: true }).catch(nullWhenMissing);
    if (stats === null) return null;
    return {
      isDirectory: stats.isDirectory(),
      sizeBytes: Number(stats.size),
      deviceId: stats.dev,
      inode: stats.ino,
    };
  },

  makeDirectory: (directory) => makeDirectory(resolvePath(directory)),

  open: (path, mode, permissions) =>
    new Promise((resolve, reject) => {
      fs.open(path, OPEN_FLAGS[mode], permissions, (error, fd) => {
        if (error) reject(error);
        else resolve(new NodeFileHandle(fd));
      });
    }),

  rename: (from, to) => fsPromises.rename(from, to),

  remove: (path) => fsPromises.unlink(path),

  syncDirectory,
};

async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory for syncing; renames are durable there by other means.
  if (process.platform === "win32") return;
  const handle = await fsPromises.open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** One read of the system returns less than 2 GiB. */
const READ_MAX_BYTES = 1024 * 1024 * 1024;

const OPEN_FLAGS = { read: "r", write: "r+", create: "w" } as const;

class NodeFileHandle implements FileHandle {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const count = await this.#readOnce(target, filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  #readOnce(target: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = Math.min(target.length - offset, READ_MAX_BYTES);
      fs.read(this.#fd, target, offset, length, position, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  writeSync(source: Uint8Array, length: number, position: number): number {
    return fs.writeSync(this.#fd, source, 0, length, position);
  }

  write(source: Uint8Array, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, source, 0, length, position, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#fd, sizeBytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  datasyncSync(): void {
    fs.fdatasyncSync(this.#fd);
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.#fd, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

function nullWhenMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

/** Whether a system error says that there is nothing under a path. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

// Not `recursive`: where a file system answers ENOENT although the parent is there (/proc does), Node
// asks again for ever. Every parent is made once, and the name of each new directory made durable.
async function makeDirectory(directory: string): Promise<void> {
  try {
    await fsPromises.mkdir(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (isMissing(error) && (await nodeFileSystem.status(dirname(directory))) === null) {
      await makeDirectory(dirname(directory));
      await fsPromises.mkdir(directory, { mode: DIRECTORY_MODE });
    } else {
      const status = await nodeFileSystem.status(directory);
      if (status?.isDirectory !== true) throw error;
      return;
    }
  }
  await nodeFileSystem.syncDirectory(dirname(directory));
}
