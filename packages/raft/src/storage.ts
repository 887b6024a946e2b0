// What raft asks of the entries that are stable. Answers that occur in normal operation (compacted,
// not there yet, not ready) are sentinel values; whatever is thrown is fatal. Spec: raft.md §4.1.

import type { ConfState, Entry, HardState, Snapshot } from "./types.ts";

/** The answer for an index at or below the point of compaction. */
export const COMPACTED: Compacted = Object.freeze({ reason: "compacted" });
/** The type of `COMPACTED`: the entries asked for are covered by a snapshot. */
export type Compacted = { readonly reason: "compacted" };

/** The answer for an index above the last one. */
export const UNAVAILABLE: Unavailable = Object.freeze({ reason: "unavailable" });
/** The type of `UNAVAILABLE`: the entries asked for are not there yet. */
export type Unavailable = { readonly reason: "unavailable" };

/** The answer of `snapshot` while one is being prepared; raft asks again at the next occasion. */
export const TEMPORARILY_UNAVAILABLE: TemporarilyUnavailable = Object.freeze({
  reason: "temporarily unavailable",
});
/** The type of `TEMPORARILY_UNAVAILABLE`. */
export type TemporarilyUnavailable = { readonly reason: "temporarily unavailable" };

/** What a node starts from. `confState` is that of the snapshot, not of the last entry. */
export interface InitialState {
  readonly hardState: HardState;
  readonly confState: ConfState;
}

/**
 * Stable entries, hard state and snapshot of one node.
 *
 * Every call is synchronous: a store on disk keeps in memory what it may be asked for. Arrays that
 * were returned are never changed afterwards.
 */
export interface Storage {
  /** What was saved last, read once when a node starts. */
  initialState(): InitialState;
  /** The index of the first entry that `entries` can return; its predecessor's term is still known. */
  firstIndex(): number;
  /** The index of the last entry, or of the snapshot when there is no entry after it. */
  lastIndex(): number;
  /** The term of entry `index`; valid for firstIndex−1 through lastIndex. */
  term(index: number): number | Compacted | Unavailable;
  /** A prefix of [lo, hi) of at most `maxSizeBytes` encoded bytes, but always at least one entry. */
  entries(lo: number, hi: number, maxSizeBytes: number): readonly Entry[] | Compacted | Unavailable;
  /** The most recent snapshot. Its index may be 0 only as long as nothing was ever compacted. */
  snapshot(): Snapshot | TemporarilyUnavailable;
}
