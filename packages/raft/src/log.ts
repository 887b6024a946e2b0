// The log as raft sees it: a stable prefix that lives in Storage and an unstable suffix that does
// not yet. raft.ts appends to it and moves the commit index; the application reports what has become
// stable and what has been applied.
//
//   firstIndex … stable … | unstable.offset … lastIndex
//        applied ≤ applying ≤ committed ≤ lastIndex
//
// Raft paper §5.3, §7. Spec: raft.md §4.3. Hot path.

import { assert, fatal } from "./assert.ts";
import { entriesSizeBytes, limitSize } from "./entry-size.ts";
import { UnstableLog } from "./log-unstable.ts";
import {
  COMPACTED,
  TEMPORARILY_UNAVAILABLE,
  UNAVAILABLE,
  type Compacted,
  type Storage,
  type TemporarilyUnavailable,
  type Unavailable,
} from "./storage.ts";
import { NONE, type Entry, type HardState, type Snapshot } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** A place in a log. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** Stable and unstable entries as one log, with its three cursors. */
export class RaftLog {
  readonly unstable: UnstableLog;
  committed: number;
  /** The last index handed to the application. */
  applying: number;
  /** The last index the application has confirmed. */
  applied: number;
  readonly #storage: Storage;
  readonly #maxApplyingSizeBytes: number;
  #applyingSizeBytes = 0;
  #isApplyingPaused = false;

  /** @param maxApplyingSizeBytes bounds the encoded size of entries handed out and not yet applied. */
  constructor(storage: Storage, maxApplyingSizeBytes: number) {
    this.#storage = storage;
    this.#maxApplyingSizeBytes = maxApplyingSizeBytes;
    const compacted = storage.firstIndex() - 1;
    this.committed = compacted;
    this.applying = compacted;
    this.applied = compacted;
    this.unstable = new UnstableLog(storage.lastIndex() + 1);
  }

  /**
   * Takes over the commit index of a hard state.
   *
   * @throws {RaftError} E_FATAL if it is outside of the log: the log is damaged.
   */
  loadCommit(hardState: HardState): void {
    const { commit } = hardState;
    const isEmpty = commit === 0 && hardState.term === 0 && hardState.vote === NONE;
    if (isEmpty) return;
    if (commit < this.committed || commit > this.lastIndex) {
      throw fatal(`commit ${commit} of the hard state is outside of [${this.committed}, ${this.lastIndex}]`);
    }
    this.committed = commit;
  }

  get firstIndex(): number {
    const first = this.unstable.maybeFirstIndex();
    return first > 0 ? first : this.#storage.firstIndex();
  }

  get lastIndex(): number {
    const last = this.unstable.maybeLastIndex();
    return last >= 0 ? last : this.#storage.lastIndex();
  }

  get lastTerm(): number {
    const term = this.term(this.lastIndex);
    if (typeof term !== "number") throw fatal("the term of the last entry is unknown");
    return term;
  }

  /** The term of entry `index`; that of firstIndex − 1 is known too. */
  term(index: number): number | Compacted | Unavailable {
    const unstable = this.unstable.maybeTerm(index);
    if (unstable >= 0) return unstable;
    if (index + 1 < this.firstIndex) return COMPACTED;
    if (index > this.lastIndex) return UNAVAILABLE;
    return this.#storage.term(index);
  }

  matchTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Raft paper §5.4.1: whether a log ending in (`index`, `term`) is at least as complete as this one. */
  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm;
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex);
  }

  /**
   * Appends what a leader sent behind entry `previousIndex`, dropping what conflicts with it. Entries that are
   * already there are kept, so a repeated or delayed message is harmless.
   *
   * @returns the last index covered by `entries`, or −1 when that entry does not match (then nothing changed).
   * @throws {RaftError} E_FATAL if a conflict lies at or below the commit index: two leaders disagree
   *   about a committed entry, and this node must not go on (raft paper §5.4.3).
   */
  maybeAppend(
    previousIndex: number,
    previousTerm: number,
    leaderCommit: number,
    entries: readonly Entry[],
  ): number {
    if (!this.matchTerm(previousIndex, previousTerm)) return -1;
    const last = previousIndex + entries.length;
    const start = this.findConflict(entries);
    if (start < entries.length) {
      const conflict = entries[start]!.index;
      if (conflict <= this.committed) {
        throw fatal(`entry ${conflict} conflicts with a committed entry, commit is ${this.committed}`);
      }
      this.unstable.truncateAndAppend(entries, start);
    }
    this.commitTo(Math.min(leaderCommit, last));
    return last;
  }

  /** Appends entries of the own term. `entries` is consecutive and not changed afterwards. */
  append(entries: readonly Entry[]): void {
    assert(entries[0]!.index > this.committed, "nothing is appended at or below the commit index");
    this.unstable.truncateAndAppend(entries);
  }

  /**
   * The last index at or below `index` whose term is known and at most `term`.
   *
   * An unknown term ends the search: that index is returned with term 0. So does the beginning of the log.
   */
  findConflictByTerm(index: number, term: number): LogPosition {
    for (let i = index; i > 0; i--) {
      const own = this.term(i);
      if (typeof own !== "number") return { index: i, term: 0 };
      if (own <= term) return { index: i, term: own };
    }
    return { index: 0, term: 0 };
  }

  /**
   * Moves the commit index forward, never back.
   *
   * @throws {RaftError} E_FATAL if `index` is above the last entry: this log has lost what it once acknowledged.
   */
  commitTo(index: number): void {
    if (index <= this.committed) return;
    if (index > this.lastIndex) {
      throw fatal(
        `commit ${index} is above the last index ${this.lastIndex}: was the log truncated or lost?`,
      );
    }
    this.committed = index;
  }

  /** Commits through `index` if that is news and the entry is of `term`. */
  maybeCommit(index: number, term: number): boolean {
    if (term === 0 || index <= this.committed || !this.matchTerm(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** Entries from `lo` on, limited by size but at least one, or COMPACTED. */
  entries(lo: number, maxSizeBytes: number): readonly Entry[] | Compacted {
    return lo > this.lastIndex ? NO_ENTRIES : this.slice(lo, this.lastIndex + 1, maxSizeBytes);
  }

  /**
   * A prefix of the entries [lo, hi) of at most `maxSizeBytes`, but at least one entry.
   *
   * @throws {RaftError} E_FATAL if the bounds are in disorder or above the log.
   */
  slice(lo: number, hi: number, maxSizeBytes: number): readonly Entry[] | Compacted {
    assert(lo <= hi, "bounds of a slice are ordered");
    if (lo < this.firstIndex) return COMPACTED;
    assert(hi <= this.lastIndex + 1, "a slice ends inside the log");
    if (lo === hi) return NO_ENTRIES;

    const offset = this.unstable.offset;
    if (lo >= offset) return this.#sliceUnstable(lo, hi, maxSizeBytes);

    const cut = Math.min(hi, offset);
    const stable = this.#storage.entries(lo, cut, maxSizeBytes);
    if (stable === COMPACTED) return COMPACTED;
    if (!isEntries(stable)) throw fatal(`storage lacks entries ${lo} to ${cut}`);
    if (hi <= offset || stable.length < cut - lo) return stable;

    const sizeBytes = entriesSizeBytes(stable);
    if (sizeBytes >= maxSizeBytes) return stable;
    const rest = this.#sliceUnstable(offset, hi, maxSizeBytes - sizeBytes);
    if (rest.length === 1 && sizeBytes + entriesSizeBytes(rest) > maxSizeBytes) return stable;
    return stable.concat(rest);
  }

  /** The last index that may be applied: committed, and stable unless `allowUnstable`. */
  maxAppliableIndex(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#isApplyingPaused || this.unstable.snapshot !== null) return false;
    return this.applying < this.maxAppliableIndex(allowUnstable);
  }

  /** Committed entries that were not handed out yet, as many as the size limit allows. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    const room = this.#maxApplyingSizeBytes - this.#applyingSizeBytes;
    assert(room > 0, "applying pauses before the size limit is used up");
    const entries = this.slice(this.applying + 1, this.maxAppliableIndex(allowUnstable) + 1, room);
    if (entries === COMPACTED) throw fatal(`entry ${this.applying + 1} was compacted before it was applied`);
    return isEntries(entries) ? entries : NO_ENTRIES;
  }

  /** Records that the entries through `index`, of together `sizeBytes`, were handed out. */
  acceptApplying(index: number, sizeBytes: number, allowUnstable: boolean): void {
    assert(index <= this.committed, "only committed entries are applied");
    this.applying = index;
    this.#applyingSizeBytes += sizeBytes;
    this.#isApplyingPaused =
      this.#applyingSizeBytes >= this.#maxApplyingSizeBytes || index < this.maxAppliableIndex(allowUnstable);
  }

  /** @throws {RaftError} E_FATAL if `index` is outside of [applied, committed]. */
  appliedTo(index: number, sizeBytes: number): void {
    if (index < this.applied || index > this.committed) {
      throw fatal(`applied ${index} is outside of [${this.applied}, ${this.committed}]`);
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingSizeBytes = Math.max(0, this.#applyingSizeBytes - sizeBytes);
    this.#isApplyingPaused = this.#applyingSizeBytes >= this.#maxApplyingSizeBytes;
  }

  /** The snapshot to send: the one that is being installed, else storage's. */
  snapshot(): Snapshot | TemporarilyUnavailable {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Replaces the whole log by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.committed = snapshot.meta.index;
    this.unstable.restore(snapshot);
  }

  /** @throws {RaftError} E_FATAL if a cursor is out of order. */
  checkInvariants(): void {
    assert(this.applied <= this.applying, "applied is at most applying");
    assert(this.applying <= this.committed, "applying is at most committed");
    const last = this.lastIndex;
    assert(this.committed <= last, "committed is at most lastIndex");
    assert(this.unstable.offset <= last + 1, "the unstable part begins inside the log or right behind it");
    assert(
      this.unstable.offset <= this.unstable.offsetInProgress,
      "what was handed out begins at the offset",
    );
  }

  /** The position of the first entry that is not in the log with the same term, or `entries.length`. */
  findConflict(entries: readonly Entry[]): number {
    let start = 0;
    while (start < entries.length && this.matchTerm(entries[start]!.index, entries[start]!.term)) start++;
    return start;
  }

  #sliceUnstable(lo: number, hi: number, maxSizeBytes: number): readonly Entry[] {
    const entries = this.unstable.peek();
    const from = lo - this.unstable.offset;
    return entries.slice(from, limitSize(entries, from, hi - this.unstable.offset, maxSizeBytes));
  }
}

/** Distinguishes entries from the sentinels of storage. */
export function isEntries(value: unknown): value is readonly Entry[] {
  return Array.isArray(value);
}

/** Distinguishes a snapshot from the sentinel of storage. */
export function isSnapshot(value: Snapshot | TemporarilyUnavailable): value is Snapshot {
  return value !== TEMPORARILY_UNAVAILABLE;
}
