// The part of the log that storage does not have yet: a snapshot, or entries, or both.
// Spec: raft.md §4.2. Hot path.
//
//   storage … | offset … handed to a Ready … | offsetInProgress … lastIndex
//
// `offset` may lie below storage's last index: then the next write truncates storage.

import { assert } from "./assert.ts";
import type { Entry, Snapshot } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** Entries and snapshot that are not stable yet. */
export class UnstableLog {
  snapshot: Snapshot | null = null;
  snapshotInProgress: boolean = false;
  /** The index of the first unstable entry. */
  offset: number;
  /** The index of the first entry that was not handed to a Ready yet. */
  offsetInProgress: number;
  // Never given out: slices are.
  #entries: Entry[] = [];

  constructor(offset: number) {
    this.offset = offset;
    this.offsetInProgress = offset;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The first index of the log if the unstable part determines it, otherwise 0. */
  maybeFirstIndex(): number {
    return this.snapshot === null ? 0 : this.snapshot.meta.index + 1;
  }

  /** The last index of the log if the unstable part determines it, otherwise −1. */
  maybeLastIndex(): number {
    if (this.#entries.length > 0) return this.offset + this.#entries.length - 1;
    return this.snapshot === null ? -1 : this.snapshot.meta.index;
  }

  /** The term of entry `index` if it is known here, otherwise −1. */
  maybeTerm(index: number): number {
    if (index < this.offset) {
      const meta = this.snapshot?.meta;
      return meta !== undefined && meta.index === index ? meta.term : -1;
    }
    const position = index - this.offset;
    return position < this.#entries.length ? this.#entries[position]!.term : -1;
  }

  hasNextEntries(): boolean {
    return this.offsetInProgress < this.offset + this.#entries.length;
  }

  /** The entries no Ready has carried yet, as an array of the caller's own. */
  nextEntries(): readonly Entry[] {
    if (!this.hasNextEntries()) return NO_ENTRIES;
    return this.#entries.slice(this.offsetInProgress - this.offset);
  }

  /** The snapshot no Ready has carried yet. */
  nextSnapshot(): Snapshot | null {
    return this.snapshotInProgress ? null : this.snapshot;
  }

  /** Marks all there is as handed to a Ready. */
  acceptInProgress(): void {
    if (this.#entries.length > 0) this.offsetInProgress = this.offset + this.#entries.length;
    if (this.snapshot !== null) this.snapshotInProgress = true;
  }

  /**
   * Drops the entries through `index`, which storage has now, if the entry at `index` still is of `term`.
   *
   * Otherwise it was overwritten meanwhile, and what is there now is not stable at all.
   */
  stableTo(index: number, term: number): void {
    if (index < this.offset || this.maybeTerm(index) !== term) return;
    const count = index + 1 - this.offset;
    this.#entries.copyWithin(0, count);
    this.#entries.length -= count;
    this.offset = index + 1;
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
  }

  /** Drops the snapshot if it is the one at `index`. */
  stableSnapTo(index: number): void {
    if (this.snapshot === null || this.snapshot.meta.index !== index) return;
    this.snapshot = null;
    this.snapshotInProgress = false;
  }

  /** Replaces everything by a snapshot that was received. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.meta.index + 1;
    this.offsetInProgress = this.offset;
    this.#entries = [];
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Appends `entries` from position `start` on; what is at their first index and above is dropped. */
  truncateAndAppend(entries: readonly Entry[], start: number = 0): void {
    const from = entries[start]!.index;
    assert(from <= this.offset + this.#entries.length, "unstable entries have no gaps");
    if (from <= this.offset) {
      this.#entries.length = 0;
      this.offset = from;
      this.offsetInProgress = from;
    } else if (from < this.offset + this.#entries.length) {
      this.#entries.length = from - this.offset;
      this.offsetInProgress = Math.min(this.offsetInProgress, from);
    }
    for (let i = start; i < entries.length; i++) this.#entries.push(entries[i]!);
  }

  /** The entries themselves, to be read at once and not kept. */
  peek(): readonly Entry[] {
    return this.#entries;
  }
}
