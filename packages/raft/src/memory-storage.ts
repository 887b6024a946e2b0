// Storage as an array. A server keeps its entries since the last compaction in here and mirrors
// them on disk; tests and simulations use it alone. Spec: raft.md §4.1. Hot path.
//
//   entries:  released … | firstIndex … lastIndex
//                        ^ start                     (dummyIndex = firstIndex − 1, its term is known)

import { limitSize } from "./entry-size.ts";
import { RaftError } from "./errors.ts";
import {
  COMPACTED,
  UNAVAILABLE,
  type Compacted,
  type InitialState,
  type Storage,
  type Unavailable,
} from "./storage.ts";
import {
  EMPTY_HARD_STATE,
  EMPTY_SNAPSHOT,
  EntryType,
  type ConfState,
  type Entry,
  type HardState,
  type Snapshot,
} from "./types.ts";

/** Stands in the place of a compacted entry, so that the entry itself can be collected. */
const RELEASED: Entry = Object.freeze({ term: 0, index: 0, type: EntryType.Normal, data: null });

/** Below this many released places the array is not copied. */
const COPY_MIN_RELEASED_COUNT = 64;

/** A `Storage` in memory. The caller changes it; raft only reads. */
export class MemoryStorage implements Storage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  #entries: Entry[] = [];
  #start = 0;
  #dummyIndex = 0;
  #dummyTerm = 0;

  initialState(): InitialState {
    return { hardState: this.#hardState, confState: this.#snapshot.meta.confState };
  }

  firstIndex(): number {
    return this.#dummyIndex + 1;
  }

  lastIndex(): number {
    return this.#dummyIndex + this.#entries.length - this.#start;
  }

  term(index: number): number | Compacted | Unavailable {
    if (index < this.#dummyIndex) return COMPACTED;
    if (index === this.#dummyIndex) return this.#dummyTerm;
    if (index > this.lastIndex()) return UNAVAILABLE;
    return this.#entries[this.#position(index)]!.term;
  }

  /** @throws {RaftError} E_UNAVAILABLE if `hi` is above lastIndex + 1. */
  entries(lo: number, hi: number, maxSizeBytes: number): readonly Entry[] | Compacted | Unavailable {
    if (lo <= this.#dummyIndex) return COMPACTED;
    if (hi > this.lastIndex() + 1) {
      throw new RaftError(
        "E_UNAVAILABLE",
        `entries up to ${hi} were asked for, the last is ${this.lastIndex()}`,
      );
    }
    const from = this.#position(lo);
    return this.#entries.slice(from, limitSize(this.#entries, from, this.#position(hi), maxSizeBytes));
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Replaces term, vote and commit index; kept, not copied. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /**
   * Replaces everything by a snapshot that was received.
   *
   * @throws {RaftError} E_SNAP_OUT_OF_DATE if it is not newer than the own one.
   */
  applySnapshot(snapshot: Snapshot): void {
    this.#assertNewer(snapshot.meta.index);
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#start = 0;
    this.#dummyIndex = snapshot.meta.index;
    this.#dummyTerm = snapshot.meta.term;
  }

  /**
   * Records a snapshot of the own state machine as of entry `index`. Entries stay; see `compact`.
   *
   * `confState` is the configuration as of `index`; null keeps that of the previous snapshot.
   *
   * @throws {RaftError} E_SNAP_OUT_OF_DATE if a snapshot at or above `index` exists, E_UNAVAILABLE if
   *   there is no such entry.
   */
  createSnapshot(index: number, confState: ConfState | null, data: Uint8Array | null): Snapshot {
    this.#assertNewer(index);
    const term = this.term(index);
    if (typeof term !== "number") {
      throw new RaftError("E_UNAVAILABLE", `no snapshot at ${index}, the last entry is ${this.lastIndex()}`);
    }
    const meta = { index, term, confState: confState ?? this.#snapshot.meta.confState };
    this.#snapshot = { meta, data };
    return this.#snapshot;
  }

  /**
   * Forgets the entries through `index`; its term stays known. Amortised constant time per entry.
   *
   * @returns COMPACTED if they are already gone, otherwise null.
   * @throws {RaftError} E_UNAVAILABLE if there is no such entry.
   */
  compact(index: number): Compacted | null {
    if (index <= this.#dummyIndex) return COMPACTED;
    if (index > this.lastIndex()) {
      throw new RaftError(
        "E_UNAVAILABLE",
        `cannot compact to ${index}, the last entry is ${this.lastIndex()}`,
      );
    }
    const end = this.#position(index) + 1;
    this.#dummyTerm = this.#entries[end - 1]!.term;
    this.#dummyIndex = index;
    this.#entries.fill(RELEASED, this.#start, end);
    this.#start = end;
    if (end >= COPY_MIN_RELEASED_COUNT && end * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(end);
      this.#start = 0;
    }
    return null;
  }

  /**
   * Appends consecutive entries; what conflicts with them, at their first index and above, is dropped.
   *
   * Entries at or below the point of compaction are skipped.
   *
   * @throws {RaftError} E_UNAVAILABLE if they would leave a gap.
   */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = entries[0]!.index;
    if (first + entries.length - 1 <= this.#dummyIndex) return;
    if (first > this.lastIndex() + 1) {
      throw new RaftError(
        "E_UNAVAILABLE",
        `entry ${first} leaves a gap after the last one, ${this.lastIndex()}`,
      );
    }
    const skipped = Math.max(0, this.#dummyIndex + 1 - first);
    this.#entries.length = this.#position(first + skipped);
    for (let i = skipped; i < entries.length; i++) this.#entries.push(entries[i]!);
  }

  #position(index: number): number {
    return this.#start + index - this.#dummyIndex - 1;
  }

  #assertNewer(index: number): void {
    const own = this.#snapshot.meta.index;
    if (index > own) return;
    throw new RaftError("E_SNAP_OUT_OF_DATE", `a snapshot at ${own} exists, one at ${index} is out of date`);
  }
}
