// The write-ahead log: what raft has promised is here before anyone is told. A sequence of segment
// files in one directory, read once at the start and only appended to afterwards.
// Hot path: `save`. Source: disk-format.md §3, §8, §9; architecture.md §6.2.
//
//   0-0.wal ... 7-5c1.wal   8-63f.wal
//   ^ released, may be       ^ appended to, cut when it reaches 64,000,000 bytes
//     purged

import * as path from "node:path";
import { EMPTY_HARD_STATE } from "@kv/raft";
import type { Entry, HardState } from "@kv/raft";
import { assert } from "./assert.ts";
import { Encoder } from "./encoder.ts";
import { WalError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { isMissing, nodeFileSystem } from "./file-system.ts";
import { LOCK_FILE, lockDirectory } from "./lock.ts";
import type { DirectoryLock } from "./lock.ts";
import { LogEnd } from "./log-end.ts";
import { listSegments, readSegments } from "./log-reader.ts";
import type { LogTail } from "./log-reader.ts";
import { LoneSyncs } from "./lone-syncs.ts";
import { OperationQueue } from "./operation-queue.ts";
import { purgeOldest } from "./purge.ts";
import { encodeMetadata } from "./record.ts";
import type { SnapshotPosition, WalMetadata } from "./record.ts";
import { truncateTornTail } from "./repair.ts";
import type { LogContent, Replay } from "./replay.ts";
import { segmentAt, segmentsFrom, UNFINISHED_SUFFIX } from "./segment.ts";
import type { Segment } from "./segment.ts";
import { SegmentFile } from "./segment-file.ts";

/** A segment that has reached this size is followed by a new one; etcd 2.x uses the same. */
export const SEGMENT_SIZE_BYTES = 64_000_000;

const BEGINNING: SnapshotPosition = { index: 0, term: 0 };
const FIRST_SEGMENT = segmentAt(0, 0);

/** What is reported besides errors, such as a repair. Any logger of the project fits. */
export interface WalLogger {
  /** Told when a torn tail was cut off or a broken file put aside. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** How a log uses the machine. */
export interface WalOptions {
  readonly fileSystem: FileSystem;
  /** True when the caller sees to it that no one else uses the directory; then no lock is taken. */
  readonly lockless?: boolean;
  readonly segmentSizeBytes?: number;
  /** Called with the duration of each fdatasync of the log; for metrics. */
  readonly onFsync?: (durationMs: number) => void;
  /** Monotonic milliseconds; the machine's unless a test brings its own. */
  readonly now?: () => number;
  readonly logger?: WalLogger;
}

/** What a caller of `save` knows about it. */
export interface SaveOptions {
  /**
   * One entry, for which the caller has nothing else to do: if the disk has been quick, its sync is waited
   * for in this thread, without the detour through the thread pool. Default false.
   */
  readonly isLone?: boolean;
}

/**
 * A log, open for writing. Calls may overlap and are done in order, but at most one `save` is in flight.
 *
 * After any failure of a write, a sync or a rename the log is failed for good: every later call rejects
 * with the same `E_FAILED`, because nobody knows what is on the disk and asking again may lie.
 */
export class Wal implements AsyncDisposable {
  readonly #directory: string;
  readonly #options: WalOptions;
  readonly #lock: DirectoryLock | null;
  readonly #at: SnapshotPosition;
  /** Oldest first; the last one is written to. */
  #segments: readonly Segment[];
  /** Null until the log was read or created. */
  #end: LogEnd | null = null;
  /** Segments before this sequence number may be purged. */
  #heldFromSequence: number;
  readonly #operations = new OperationQueue();
  readonly #loneSyncs = new LoneSyncs();
  readonly #now: () => number;
  #isSaving = false;
  #closing: Promise<void> | null = null;

  private constructor(
    directory: string,
    options: WalOptions,
    lock: DirectoryLock | null,
    at: SnapshotPosition,
    segments: readonly Segment[],
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
    this.#lock = lock;
    this.#at = at;
    this.#segments = segments;
    this.#heldFromSequence = segments[0]?.sequence ?? 0;
  }

  /**
   * Whether there is a log: the directory can be listed and is not empty. The rest of a `create` that
   * was interrupted does not count, nor does a lock.
   */
  static async exists(directory: string, fileSystem: FileSystem = nodeFileSystem): Promise<boolean> {
    try {
      const names = await fileSystem.list(directory);
      return names.some((name) => name !== FIRST_SEGMENT.name + UNFINISHED_SUFFIX && name !== LOCK_FILE);
    } catch (cause) {
      if (isMissing(cause)) return false;
      throw new WalError("E_IO", "the log directory cannot be listed", { cause });
    }
  }

  /**
   * Begins a log, durably: the first segment appears with its records or not at all. The directory is
   * created when it is missing.
   *
   * @throws {WalError} `E_EXISTS` when there is one, `E_LOCKED`, `E_FAILED`.
   */
  static async create(
    directory: string,
    options: WalOptions & { readonly metadata: WalMetadata },
  ): Promise<Wal> {
    const { fileSystem } = options;
    try {
      await fileSystem.makeDirectory(directory);
    } catch (cause) {
      throw new WalError("E_FAILED", "the log directory cannot be created", { cause });
    }
    return withLock(directory, options, async (lock) => {
      if (await Wal.exists(directory, fileSystem)) throw new WalError("E_EXISTS", "there is a log already");
      const metadata = encodeMetadata(options.metadata);
      const encoder = new Encoder(0);
      encoder.putCrc();
      encoder.putMetadata(metadata);
      encoder.putSnapshotPosition(BEGINNING);
      try {
        const file = await SegmentFile.create(directory, FIRST_SEGMENT, encoder.take(), fileSystem);
        const wal = new Wal(directory, options, lock, BEGINNING, [FIRST_SEGMENT]);
        wal.#end = new LogEnd(file, encoder, metadata, EMPTY_HARD_STATE, 0);
        return wal;
      } catch (cause) {
        throw new WalError("E_FAILED", "the log cannot be created", { cause });
      }
    });
  }

  /**
   * Opens a log at the snapshot that the server starts from ({0, 0} without one). `readAll` must follow.
   *
   * @throws {WalError} `E_NO_SEGMENT` or `E_GAP` when segments are missing, `E_LOCKED`.
   */
  static async open(
    directory: string,
    options: WalOptions & { readonly at: SnapshotPosition },
  ): Promise<Wal> {
    const { fileSystem, at } = options;
    if ((await fileSystem.status(directory)) === null) {
      throw new WalError("E_NO_SEGMENT", "wal: file not found: there is no log directory");
    }
    return withLock(directory, options, async (lock) => {
      const segments = await listSegments(directory, fileSystem);
      const needed = segmentsFrom(segments, at.index);
      const wal = new Wal(directory, options, lock, at, segments);
      wal.#heldFromSequence = needed[0]!.sequence;
      return wal;
    });
  }

  /** Index of the last entry in the log, or of a later snapshot record. */
  get lastIndex(): number {
    return this.#endOrThrow().lastIndex;
  }

  /**
   * Reads everything behind the snapshot; once, before anything is written.
   *
   * An unfinished write at the end of the last segment is cut off and kept as `<segment>.broken`. A
   * segment that 3.x wrote to is ended and a new one begun, so that 2.x tools can read the log later on.
   *
   * @throws {WalError} for anything else that is not as a writer left it (`E_CRC`, `E_DAMAGED`, `E_TORN`, `E_GAP`,
   *   `E_METADATA`, `E_SNAPSHOT_MISMATCH`, `E_NO_SNAPSHOT`, `E_COMMIT`); the files are unchanged then.
   */
  async readAll(): Promise<LogContent> {
    assert(this.#end === null, "a log is read once");
    const { fileSystem } = this.#options;
    const needed = this.#segments.filter((segment) => segment.sequence >= this.#heldFromSequence);
    const { replay, tail } = await readSegments(this.#directory, needed, this.#at, fileSystem);
    if (!replay.hasSnapshotRecord) {
      const { index, term } = this.#at;
      throw new WalError(
        "E_NO_SNAPSHOT",
        `wal: snapshot not found: no record of index ${index} and term ${term}`,
      );
    }
    const content = replay.finish();
    await this.#operations.run(() => this.#continueAt(tail, replay, content.hardState));
    return content;
  }

  /**
   * Appends entries, then the hard state when there is one. Resolves when they are written, and, with
   * `sync`, durable. One write and at most one fdatasync, whatever the number of entries.
   *
   * `entries` is consecutive; its first may overwrite earlier ones that are not committed. What is passed
   * must not change until this resolves.
   *
   * @throws {WalError} `E_FAILED`; then nothing of this save, nor of any later one, may be taken for saved.
   */
  async save(
    hardState: HardState | null,
    entries: readonly Entry[],
    sync: boolean,
    options: SaveOptions = {},
  ): Promise<void> {
    assert(!this.#isSaving, "at most one save is in flight");
    this.#isSaving = true;
    const shouldWait = sync && this.#loneSyncs.shouldWait(options.isLone === true);
    try {
      await this.#operations.run(() => this.#save(hardState, entries, sync, shouldWait));
    } finally {
      this.#isSaving = false;
    }
  }

  /** Records durably that a snapshot of this place is about to be written; then its file may be. */
  saveSnapshotRecord(at: SnapshotPosition): Promise<void> {
    return this.#operations.run(async () => {
      const end = this.#endOrThrow();
      end.encoder.putSnapshotPosition(at);
      await end.file.append(end.encoder.take());
      await this.#datasync(end.file);
      end.lastIndex = Math.max(end.lastIndex, at.index);
    });
  }

  /**
   * Says that entries below `index` are no longer needed, because a snapshot at `index` is durable.
   * The segments that held only such become removable by `purge`; one more is kept than strictly needed.
   */
  release(index: number): Promise<void> {
    return this.#operations.run(async () => {
      const last = this.#segments.findLast((segment) => segment.index < index);
      if (last !== undefined) this.#heldFromSequence = Math.max(this.#heldFromSequence, last.sequence);
    });
  }

  /**
   * Removes the oldest released segments while there are more than `maxSegments`; 0 keeps all.
   *
   * @returns the names removed.
   * @throws {WalError} `E_IO`
   */
  async purge(options: { readonly maxSegments: number }): Promise<string[]> {
    this.#operations.refuseAfterFailure();
    const byName = new Map(this.#segments.map((segment) => [segment.name, segment]));
    const removed = await purgeOldest(
      this.#directory,
      [...byName.keys()],
      options.maxSegments,
      (name) => (byName.get(name)?.sequence ?? Infinity) < this.#heldFromSequence,
      this.#options.fileSystem,
    );
    this.#segments = this.#segments.filter((segment) => !removed.includes(segment.name));
    return removed;
  }

  /** Waits for what is in flight, syncs, closes and gives up the lock. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #save(
    hardState: HardState | null,
    entries: readonly Entry[],
    sync: boolean,
    shouldWait: boolean,
  ): Promise<void> {
    const end = this.#endOrThrow();
    const { encoder } = end;
    end.checkSave(hardState, entries);
    for (let i = 0; i < entries.length; i++) encoder.putEntry(entries[i]!);
    if (hardState !== null && hardState.term > 0) encoder.putState(hardState);

    const bytes = encoder.take();
    if (bytes.length === 0) return;
    const written = end.file.append(bytes);
    if (written !== null) await written;
    if (sync && shouldWait) this.#datasyncHere(end.file);
    else if (sync) await this.#datasync(end.file);
    end.noteSave(hardState, entries);
    if (end.file.sizeBytes >= (this.#options.segmentSizeBytes ?? SEGMENT_SIZE_BYTES)) await this.#cut(end);
  }

  /** Ends the current segment durably and begins the next one. */
  async #cut(end: LogEnd): Promise<void> {
    const { encoder, file } = end;
    await this.#datasync(file);
    const segment = segmentAt(file.segment.sequence + 1, end.lastIndex + 1);
    encoder.putCrc();
    encoder.putMetadata(end.metadata);
    if (end.hardState.term > 0) encoder.putState(end.hardState);
    end.file = await SegmentFile.create(this.#directory, segment, encoder.take(), this.#options.fileSystem);
    this.#segments = [...this.#segments, segment];
    await file.close();
  }

  /** Makes the log end where its last good record does, and goes on from there. */
  async #continueAt(tail: LogTail, replay: Replay, hardState: HardState): Promise<void> {
    const { fileSystem, logger } = this.#options;
    const { segment } = tail;
    if (tail.kind === "torn") {
      const cutBytes = tail.bytes.length - tail.endOffset;
      logger?.warn("cut off an unfinished write", {
        segment: segment.name,
        offset: tail.endOffset,
        cutBytes,
      });
      const segmentPath = path.join(this.#directory, segment.name);
      await truncateTornTail(fileSystem, segmentPath, tail.bytes, tail.endOffset);
    }
    const metadata = replay.metadataBytes;
    assert(metadata !== null, "a log without metadata has been refused");
    const encoder = new Encoder(tail.crc);
    const sizeBytes = tail.isOpened ? tail.endOffset : 0;
    const file = await SegmentFile.open(this.#directory, segment, sizeBytes, fileSystem);
    const end = new LogEnd(file, encoder, metadata, hardState, replay.lastIndex);
    this.#end = end;
    if (!tail.isOpened) {
      // 2.0.0 makes segments without a rename, and may die before the opening records are whole.
      encoder.putCrc();
      encoder.putMetadata(metadata);
      await file.append(encoder.take());
    }
    await this.#datasync(file);
    if (tail.hasPadding) await this.#cut(end);
  }

  async #datasync(file: SegmentFile): Promise<void> {
    const startMs = this.#now();
    await file.datasync();
    this.#synced(startMs);
  }

  #datasyncHere(file: SegmentFile): void {
    const startMs = this.#now();
    file.datasyncSync();
    this.#synced(startMs);
  }

  #synced(startMs: number): void {
    const durationMs = this.#now() - startMs;
    this.#loneSyncs.took(durationMs);
    this.#options.onFsync?.(durationMs);
  }

  async #close(): Promise<void> {
    const isHealthy = await this.#operations.close();
    try {
      const file = this.#end?.file ?? null;
      if (file !== null && isHealthy) await file.datasync();
      await file?.close();
    } catch (cause) {
      throw new WalError("E_FAILED", "the log cannot be closed", { cause });
    } finally {
      await this.#lock?.release();
    }
  }

  #endOrThrow(): LogEnd {
    assert(this.#end !== null, "a log is read before it is written");
    return this.#end;
  }
}

function monotonicMs(): number {
  return performance.now();
}

/** Holds the directory while `use` runs, and on when it succeeds. */
async function withLock(
  directory: string,
  options: WalOptions,
  use: (lock: DirectoryLock | null) => Promise<Wal>,
): Promise<Wal> {
  const lock = options.lockless === true ? null : await lockDirectory(directory, options.fileSystem);
  try {
    return await use(lock);
  } catch (error) {
    await lock?.release();
    throw error;
  }
}
