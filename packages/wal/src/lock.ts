// One server per directory, without flock, which Node does not have.
//
// Linux: the lock is a listening socket in the abstract namespace, named after the device and inode
// of the directory. Taking it is atomic, and the kernel drops it with the process, however that dies.
// It is not seen across network namespaces: two containers that share a volume but not a network do
// not exclude each other. A real etcd locks its segments (2.x by flock, 3.x by open file description);
// where /proc/locks lists one of those the directory is refused, but a real etcd does not see our lock.
//
// Elsewhere: a file with the pid of the owner, taken over when no such process lives. Two processes
// that find the same dead owner in the same instant are told apart by an exclusive create.

import * as fs from "node:fs/promises";
import * as net from "node:net";
import * as path from "node:path";
import { WalError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";

/** The name of the lock file, where one is used. It is not part of a log. */
export const LOCK_FILE = ".kv.lock";

/** Holds a directory until it is released or the process ends. */
export interface DirectoryLock {
  /** May be called twice. */
  release(): Promise<void>;
}

/**
 * Takes the directory, or refuses at once: it never waits.
 *
 * @throws {WalError} `E_LOCKED` when another process (or this one) holds it, `E_IO` when that cannot be told.
 */
export async function lockDirectory(directory: string, fileSystem: FileSystem): Promise<DirectoryLock> {
  const status = await fileSystem.status(directory);
  if (status === null) throw new WalError("E_IO", "the directory to lock does not exist");
  if (process.platform !== "linux") return lockWithFile(path.join(directory, LOCK_FILE));
  const lock = await lockWithSocket(
    `\0kv-directory-${status.deviceId.toString(16)}-${status.inode.toString(16)}`,
  );
  try {
    await refuseLockedFiles(directory, fileSystem);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return lock;
}

/** The lock of Linux: whoever listens under the name has it. Nobody is served. */
async function lockWithSocket(name: string): Promise<DirectoryLock> {
  const server = net.createServer((socket) => socket.destroy());
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === "EADDRINUSE" ? locked() : new WalError("E_IO", "the lock cannot be taken", { cause }),
      );
    });
    // `exclusive`: a cluster worker must not share the socket, which would share the lock.
    server.listen({ path: name, exclusive: true }, resolve);
  });
  let isHeld = true;
  return {
    async release() {
      if (!isHeld) return;
      isHeld = false;
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The lock of other systems: a file that names its owner, removed on release and ignored when the owner is dead. */
export async function lockWithFile(file: string): Promise<DirectoryLock> {
  try {
    await createLockFile(file);
  } catch (error) {
    if (!hasCode(error, "EEXIST"))
      throw new WalError("E_IO", "the lock file cannot be written", { cause: error });
    const owner = Number.parseInt(await fs.readFile(file, "utf8"), 10);
    if (Number.isNaN(owner) || isAlive(owner)) throw locked();
    await fs.rm(file, { force: true });
    await createLockFile(file).catch((cause: unknown) => {
      throw hasCode(cause, "EEXIST")
        ? locked()
        : new WalError("E_IO", "the lock file cannot be written", { cause });
    });
  }
  return {
    async release() {
      await fs.rm(file, { force: true });
    },
  };
}

async function createLockFile(file: string): Promise<void> {
  await fs.writeFile(file, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
}

/** Signal 0 tests for existence; EPERM means it lives but belongs to someone else. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}

/** A real etcd holds an exclusive lock on each segment that it uses. */
async function refuseLockedFiles(directory: string, fileSystem: FileSystem): Promise<void> {
  const lockedFiles = await lockedInodes();
  if (lockedFiles.size === 0) return;
  for (const name of await fileSystem.list(directory)) {
    const status = await fileSystem.status(path.join(directory, name));
    if (status !== null && lockedFiles.has(procIdentity(status.deviceId, status.inode))) throw locked();
  }
}

/** Lines look like `1: FLOCK  ADVISORY  WRITE 4711 08:02:131 0 EOF` or `2: OFDLCK ADVISORY  WRITE -1 …`. */
async function lockedInodes(): Promise<Set<string>> {
  const identities = new Set<string>();
  // Without /proc, as in some sandboxes, this extra check says nothing; the own lock does not depend on it.
  const text = await fs.readFile("/proc/locks", "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const [kind, identity] = [fields[1], fields[5]];
    if ((kind === "FLOCK" || kind === "OFDLCK") && identity !== undefined) identities.add(identity);
  }
  return identities;
}

/** Device and inode as /proc/locks prints them: major and minor in hex, the inode in decimal. */
function procIdentity(deviceId: bigint, inode: bigint): string {
  const major = ((deviceId >> 8n) & 0xfffn) | ((deviceId >> 32n) & ~0xfffn);
  const minor = (deviceId & 0xffn) | ((deviceId >> 12n) & ~0xffn);
  return `${hex2(major)}:${hex2(minor)}:${inode}`;
}

function hex2(value: bigint): string {
  return value.toString(16).padStart(2, "0");
}

function locked(): WalError {
  return new WalError("E_LOCKED", "file already locked");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
