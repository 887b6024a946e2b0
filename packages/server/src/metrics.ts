// What a member counts about itself while it works: plain fields, incremented where the work is done and
// read when somebody asks (style §12). Names and formats of the outside are the program's. Hot path.

import type { StoreStats } from "@kv/store";
import type { SentAppends } from "./stats/sent-appends.ts";

/** Upper bounds of buckets for durations in seconds: a millisecond, doubled 13 times (operations.md §2, list A). */
const SLOW_BOUNDS: readonly number[] = doubled(0.001, 14);

/** The same from half a millisecond, doubled 12 times (list B). */
const FAST_BOUNDS: readonly number[] = doubled(0.0005, 13);

/** Durations in seconds, counted by size. */
export class DurationHistogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** Per bound the durations above the bound before it; one more for those above all. */
  readonly counts: number[];
  /** Of all durations, in seconds. */
  sum: number = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Most durations are short, so the buckets are tried from the shortest on. */
  observe(seconds: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && seconds > bounds[at]!) at++;
    counts[at]!++;
    this.sum += seconds;
  }
}

/** A histogram of work that takes milliseconds: disk, consensus. */
export function slowHistogram(): DurationHistogram {
  return new DurationHistogram(SLOW_BOUNDS);
}

/** A histogram of work that may take less than a millisecond: a request, a message. */
export function fastHistogram(): DurationHistogram {
  return new DurationHistogram(FAST_BOUNDS);
}

/** What a member has counted since it was started. Each part counts for itself; this is where they meet. */
export interface ServerMetrics {
  readonly walFsync: DurationHistogram;
  /** From a frozen store to bytes; a part of `snapshotSave`. */
  readonly snapshotEncode: DurationHistogram;
  readonly snapshotSave: DurationHistogram;
  /** From a proposal to its application here. */
  readonly proposal: DurationHistogram;
  readonly proposalsPending: number;
  /** Proposals without an answer in time; they may still be applied. */
  readonly proposalsFailed: number;
  readonly hasLeader: boolean;
  readonly leaderChanges: number;
  /** Whether raft follows all of its rules, because every member is known to be kv. */
  readonly isModern: boolean;
  /** Raft indexes: durable here, known to be committed, applied here. */
  readonly savedIndex: number;
  readonly committedIndex: number;
  readonly appliedIndex: number;
  /** Reads asked of this member, those through the log included. */
  readonly reads: number;
  readonly recursiveReads: number;
  readonly watchRequests: number;
  readonly sentAppends: readonly SentAppends[];
  /** Kept in snapshots: these do not start at zero. */
  readonly store: StoreStats;
}

function doubled(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, exponent) => first * 2 ** exponent);
}
