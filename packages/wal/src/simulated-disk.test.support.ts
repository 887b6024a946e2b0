// A disk in memory for tests: it can fail at any operation, write less than it was asked to, and
// lose what was not synced when it crashes.

import * as path from "node:path";
import type { FileHandle, FileStatus, FileSystem, OpenMode } from "./file-system.ts";

/** The operations that can be made to fail. */
export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "datasync"
  | "datasyncSync"
  | "rename"
  | "remove"
  | "list"
  | "syncDirectory"
  | "makeDirectory";

/** A file: what is read from it, and what a crash cannot take away. */
export interface StoredFile {
  bytes: Buffer;
  durable: Buffer;
}

/** What a crash leaves of bytes that were written but not synced. */
export interface CrashOptions {
  /** How much of the unsynced end of each file arrives, from 0 to 1. */
  readonly keptShare: number;
  /** Whether the size of the file arrives nevertheless, with zeros in the sectors that do not. */
  readonly isSizeKept: boolean;
  /** Whether names arrive that were made after the last sync of their directory. */
  readonly areNamesKept: boolean;
}

const SECTOR_BYTES = 512;

export class SimulatedDisk implements FileSystem {
  readonly files: Map<string, StoredFile> = new Map<string, StoredFile>();
  #durableNames = new Map<string, StoredFile>();
  readonly #directories = new Set<string>();
  /** Called before each operation; throws to make it fail. */
  beforeOperation: (operation: DiskOperation, file: string) => void = () => {};
  /** How many of the bytes asked for a write takes. */
  acceptedBytes: (length: number) => number = (length) => length;
  /** Each write as it was asked for: its length. */
  readonly writes: number[] = [];
  datasyncCount = 0;

  /** The disk as it is found after a loss of power. */
  crash(options: CrashOptions): SimulatedDisk {
    const after = new SimulatedDisk();
    for (const directory of this.#directories) after.#directories.add(directory);
    for (const [name, file] of options.areNamesKept ? this.files : this.#durableNames) {
      const bytes = remains(file, options);
      const found = { bytes, durable: bytes };
      after.files.set(name, found);
      after.#durableNames.set(name, found);
    }
    return after;
  }

  /** The content of a file, to look at. */
  content(file: string): Buffer {
    return this.#file(file).bytes;
  }

  /** Replaces the content of a file, durably. */
  overwrite(file: string, bytes: Uint8Array): void {
    const stored = { bytes: Buffer.from(bytes), durable: Buffer.from(bytes) };
    this.#directories.add(path.dirname(file));
    this.files.set(file, stored);
    this.#durableNames.set(file, stored);
  }

  async list(directory: string): Promise<string[]> {
    this.beforeOperation("list", directory);
    if (!this.#directories.has(directory)) throw systemError("ENOENT", directory);
    const names = [...this.files.keys()].filter((name) => path.dirname(name) === directory);
    const below = [...this.#directories].filter(
      (name) => name !== directory && path.dirname(name) === directory,
    );
    return [...names, ...below].map((name) => path.basename(name));
  }

  async status(name: string): Promise<FileStatus | null> {
    const file = this.files.get(name);
    const isDirectory = this.#directories.has(name);
    if (file === undefined && !isDirectory) return null;
    return { isDirectory, sizeBytes: file?.bytes.length ?? 0, deviceId: 0n, inode: 0n };
  }

  async makeDirectory(directory: string): Promise<void> {
    this.beforeOperation("makeDirectory", directory);
    for (let name = directory; !this.#directories.has(name); name = path.dirname(name)) {
      this.#directories.add(name);
      if (name === path.dirname(name)) break;
    }
  }

  async open(name: string, mode: OpenMode): Promise<FileHandle> {
    this.beforeOperation("open", name);
    if (mode === "create") {
      if (!this.#directories.has(path.dirname(name))) throw systemError("ENOENT", name);
      const existing = this.files.get(name);
      if (existing === undefined) this.files.set(name, { bytes: Buffer.alloc(0), durable: Buffer.alloc(0) });
      else existing.bytes = Buffer.alloc(0);
    }
    return this.#handle(name, this.#file(name));
  }

  async rename(from: string, to: string): Promise<void> {
    this.beforeOperation("rename", from);
    this.files.set(to, this.#file(from));
    this.files.delete(from);
  }

  async remove(name: string): Promise<void> {
    this.beforeOperation("remove", name);
    this.#file(name);
    this.files.delete(name);
  }

  async syncDirectory(directory: string): Promise<void> {
    this.beforeOperation("syncDirectory", directory);
    for (const name of this.#durableNames.keys()) {
      if (path.dirname(name) === directory && !this.files.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, file] of this.files) {
      if (path.dirname(name) === directory) this.#durableNames.set(name, file);
    }
  }

  #file(name: string): StoredFile {
    const file = this.files.get(name);
    if (file === undefined) throw systemError("ENOENT", name);
    return file;
  }

  #handle(name: string, file: StoredFile): FileHandle {
    const writeSync = (source: Uint8Array, length: number, position: number): number => {
      this.beforeOperation("write", name);
      this.writes.push(length);
      const accepted = this.acceptedBytes(length);
      const grown = Buffer.alloc(Math.max(file.bytes.length, position + accepted));
      file.bytes.copy(grown);
      grown.set(source.subarray(0, accepted), position);
      file.bytes = grown;
      return accepted;
    };
    return {
      read: async (target, position) => {
        this.beforeOperation("read", name);
        return file.bytes.copy(target, 0, position);
      },
      writeSync,
      write: async (source, length, position) => writeSync(source, length, position),
      truncate: async (sizeBytes) => {
        this.beforeOperation("truncate", name);
        file.bytes = Buffer.concat([file.bytes], sizeBytes);
      },
      datasync: async () => {
        this.beforeOperation("datasync", name);
        this.datasyncCount++;
        file.durable = Buffer.from(file.bytes);
      },
      datasyncSync: () => {
        this.beforeOperation("datasyncSync", name);
        this.datasyncCount++;
        file.durable = Buffer.from(file.bytes);
      },
      close: async () => {},
    };
  }
}

function remains(file: StoredFile, options: CrashOptions): Buffer {
  const { bytes, durable } = file;
  if (bytes.length <= durable.length) return Buffer.from(options.keptShare < 0.5 ? durable : bytes);
  const keptBytes = durable.length + Math.floor((bytes.length - durable.length) * options.keptShare);
  if (!options.isSizeKept) return Buffer.from(bytes.subarray(0, keptBytes));
  const found = Buffer.from(bytes);
  const boundary = Math.ceil(keptBytes / SECTOR_BYTES) * SECTOR_BYTES;
  // A sector with a lone byte in it arrives: without it the log would be refused (repair.ts).
  return boundary < found.length - 1 ? found.fill(0, boundary) : found;
}

/** An error as node:fs makes it. */
export function systemError(code: string, name: string): Error {
  return Object.assign(new Error(`${code}: ${name}`), { code });
}
