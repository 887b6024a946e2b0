// The snapshot files of a member: one directory, the newest good one counts.
// Source: disk-format.md §4, §9.
//
//   %016x-%016x.snap      term - index, so that names sort by age

import * as path from "node:path";
import type { Snapshot, SnapshotMeta } from "@kv/raft";
import { assert } from "../assert.ts";
import { crc32c } from "../crc32c.ts";
import { WalError } from "../errors.ts";
import { isMissing, SNAPSHOT_MODE } from "../file-system.ts";
import type { FileHandle, FileSystem } from "../file-system.ts";
import { readFile } from "../log-reader.ts";
import { purgeOldest } from "../purge.ts";
import { BROKEN_SUFFIX, hex16, UNFINISHED_SUFFIX } from "../segment.ts";
import type { WalLogger } from "../wal.ts";
import { decodeSnapshotFile, encodeSnapshotHead, encodeSnapshotTail, HEAD_BYTES } from "./snapshot-file.ts";

const SUFFIX = ".snap";

/** Large pieces are written one of these at a time, so that checksumming one stays below a millisecond. */
const WRITE_BYTES = 1024 * 1024;
/** One sync at the end of 200 MB stalls the log's own for 100 ms; one every few MiB for 10 to 15. */
const SYNC_EVERY_BYTES = 4 * 1024 * 1024;

/** Names of 3.x for its own database, and of repairs: known, and nothing to warn about. */
const KNOWN_OTHERS = /^db$|\.snap\.db$|\.broken$/;

/** The state of a snapshot: whole, in pieces, or as it is being produced. */
export type SnapshotChunks = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What a `Snapshotter` runs on. */
export interface SnapshotterDeps {
  readonly fileSystem: FileSystem;
  readonly logger?: WalLogger;
}

/** Saves and loads snapshots. At most one `save` is in flight. */
export class Snapshotter {
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  readonly #logger: WalLogger | null;
  #isSaving = false;

  constructor(directory: string, deps: SnapshotterDeps) {
    this.#directory = directory;
    this.#fileSystem = deps.fileSystem;
    this.#logger = deps.logger ?? null;
  }

  /**
   * The newest snapshot that is whole, or null. Newer ones that are not are renamed to `….broken`, and
   * the rest of an interrupted save is removed, unless `readOnly`.
   *
   * The data is a view of the whole file in memory, which it is nearly all of.
   *
   * @throws {WalError} `E_IO`
   */
  async load(options: { readonly readOnly?: boolean } = {}): Promise<Snapshot | null> {
    const readOnly = options.readOnly ?? false;
    for (const name of (await this.#names(readOnly)).toReversed()) {
      const snapshot = await this.#loadFile(name, readOnly);
      if (snapshot !== null) return snapshot;
    }
    return null;
  }

  /**
   * Writes a snapshot; when this resolves it is durable and `load` finds it. Until then nothing is
   * seen of it. The log's snapshot record must be durable before.
   *
   * @throws {WalError} `E_FAILED`; what was written is removed.
   */
  async save(meta: SnapshotMeta, data: SnapshotChunks): Promise<void> {
    assert(!this.#isSaving, "at most one snapshot is being saved");
    assert(meta.index > 0, "a snapshot covers at least one entry");
    this.#isSaving = true;
    const finished = path.join(this.#directory, `${hex16(meta.term)}-${hex16(meta.index)}${SUFFIX}`);
    const unfinished = finished + UNFINISHED_SUFFIX;
    try {
      await this.#fileSystem.makeDirectory(this.#directory);
      await this.#writeFile(unfinished, meta, data);
      await this.#fileSystem.rename(unfinished, finished);
      await this.#fileSystem.syncDirectory(this.#directory);
    } catch (cause) {
      // The save has failed for a better reason; what is left over is removed by the next `load`.
      await this.#fileSystem.remove(unfinished).catch(() => undefined);
      throw new WalError("E_FAILED", "the snapshot cannot be saved", { cause });
    } finally {
      this.#isSaving = false;
    }
  }

  /**
   * Removes the oldest snapshots while there are more than `maxSnapshots`; 0 keeps all.
   *
   * @returns the names removed.
   * @throws {WalError} `E_IO`
   */
  async purge(options: { readonly maxSnapshots: number }): Promise<string[]> {
    const names = await this.#names(true);
    return purgeOldest(this.#directory, names, options.maxSnapshots, () => true, this.#fileSystem);
  }

  /** The snapshot files, oldest first. */
  async #names(readOnly: boolean): Promise<string[]> {
    const names = await this.#fileSystem.list(this.#directory).catch((cause: unknown): string[] => {
      if (isMissing(cause)) return [];
      throw new WalError("E_IO", "the snapshot directory cannot be listed", { cause });
    });
    for (const name of names) {
      if (name.endsWith(SUFFIX) || KNOWN_OTHERS.test(name)) continue;
      if (!name.endsWith(SUFFIX + UNFINISHED_SUFFIX)) {
        if (!readOnly) this.#logger?.warn("skipped unexpected non snapshot file", { name });
      } else if (!readOnly) {
        await this.#fileSystem.remove(path.join(this.#directory, name)).catch((cause: unknown) => {
          throw new WalError("E_IO", `${name} cannot be removed`, { cause });
        });
      }
    }
    return names.filter((name) => name.endsWith(SUFFIX)).toSorted();
  }

  async #loadFile(name: string, readOnly: boolean): Promise<Snapshot | null> {
    const file = path.join(this.#directory, name);
    const bytes = await readFile(this.#fileSystem, file);
    try {
      return decodeSnapshotFile(bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger?.warn("snapshot file is broken", { name, reason });
    }
    if (readOnly) return null;
    try {
      await this.#fileSystem.rename(file, file + BROKEN_SUFFIX);
    } catch (cause) {
      throw new WalError("E_IO", `${name} is broken and cannot be renamed`, { cause });
    }
    return null;
  }

  async #writeFile(unfinished: string, meta: SnapshotMeta, data: SnapshotChunks): Promise<void> {
    const file = await this.#fileSystem.open(unfinished, "create", SNAPSHOT_MODE);
    try {
      const tail = encodeSnapshotTail(meta);
      const output = new SnapshotOutput(file);
      for await (const chunk of data instanceof Uint8Array ? [data] : data) await output.write(chunk);
      const stateBytes = output.sizeBytes - HEAD_BYTES;
      await output.write(tail);
      await output.finish(encodeSnapshotHead(stateBytes, tail, output.crc));
    } finally {
      await file.close();
    }
  }
}

/** A file that is written from behind its head to its end, then gets the head. */
class SnapshotOutput {
  sizeBytes = HEAD_BYTES;
  /** Of everything written so far. */
  crc = 0;
  readonly #file: FileHandle;
  #syncedBytes = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.length; start += WRITE_BYTES) {
      const piece = chunk.subarray(start, start + WRITE_BYTES);
      this.crc = crc32c(piece, this.crc);
      await this.#writeAt(piece, this.sizeBytes);
      this.sizeBytes += piece.length;
      if (this.sizeBytes - this.#syncedBytes < SYNC_EVERY_BYTES) continue;
      await this.#file.datasync();
      this.#syncedBytes = this.sizeBytes;
    }
  }

  async finish(head: Uint8Array): Promise<void> {
    await this.#writeAt(head, 0);
    await this.#file.datasync();
  }

  async #writeAt(bytes: Uint8Array, position: number): Promise<void> {
    const written = await this.#file.write(bytes, bytes.length, position);
    if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes were written`);
  }
}
