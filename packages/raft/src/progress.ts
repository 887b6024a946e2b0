// A peer as the leader sees it: how far its log agrees, what to send next, and how fast.
//
//   probe       one append, then wait for an answer        (agreement unknown)
//   replicate   appends ahead of acknowledgements           (in agreement)
//   snapshot    nothing but the snapshot                    (needs compacted entries)
//
// Invariant: match < next. Spec: raft.md §7.2. Hot path.

import { assert } from "./assert.ts";
import type { Inflights } from "./inflights.ts";
import type { NodeId } from "./types.ts";

/** How the leader sends to a peer. */
export const ProgressState = { Probe: 0, Replicate: 1, Snapshot: 2 } as const;
export type ProgressState = (typeof ProgressState)[keyof typeof ProgressState];

/** The replication state of one member, the own one included. */
export class Progress {
  readonly id: NodeId;
  /** The highest index known to be replicated durably. */
  match: number = 0;
  /** The next index to send. */
  next: number;
  state: ProgressState = ProgressState.Probe;
  /** Whether appends wait for an answer or a heartbeat round. */
  isFlowPaused: boolean = false;
  /** The index of the snapshot that was sent, 0 when there is none. */
  pendingSnapshot: number = 0;
  /** Whether the peer was heard of since the last check of the quorum. */
  isRecentlyActive: boolean = true;
  isLearner: boolean;
  /** The highest commit index sent. */
  sentCommit: number = 0;
  readonly inflights: Inflights;

  constructor(id: NodeId, next: number, isLearner: boolean, inflights: Inflights) {
    this.id = id;
    this.next = next;
    this.isLearner = isLearner;
    this.inflights = inflights;
  }

  /** Forgets what was known: a new term or a new leader begins. */
  reset(lastIndex: number): void {
    this.match = 0;
    this.next = lastIndex + 1;
    this.sentCommit = 0;
    this.isRecentlyActive = false;
    this.#enter(ProgressState.Probe);
  }

  becomeProbe(): void {
    const afterSnapshot = this.state === ProgressState.Snapshot ? this.pendingSnapshot + 1 : 0;
    this.#enter(ProgressState.Probe);
    this.next = Math.max(this.match + 1, afterSnapshot);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#enter(ProgressState.Replicate);
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter(ProgressState.Snapshot);
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  isPaused(): boolean {
    return this.state === ProgressState.Snapshot || this.isFlowPaused;
  }

  /** Records an append of `count` entries of `sizeBytes` payload that was sent from `next` on. */
  sentEntries(count: number, sizeBytes: number): void {
    if (this.state === ProgressState.Replicate) {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, sizeBytes);
      }
      this.isFlowPaused = this.inflights.isFull();
    } else if (count > 0) {
      this.isFlowPaused = true;
    }
  }

  /** Whether a message would tell the peer of a commit index it does not know and can use. */
  canBumpCommit(commit: number): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** Takes note that the peer has everything through `index`; false if that is no news. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isFlowPaused = false;
    return true;
  }

  /**
   * Steps back after the peer refused an append behind entry `rejected`; false if the answer is stale.
   *
   * `hint` is the highest index at which the logs may agree.
   */
  maybeDecrementTo(rejected: number, hint: number): boolean {
    if (this.state === ProgressState.Replicate) {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.sentCommit = Math.min(this.sentCommit, this.next - 1);
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    this.isFlowPaused = false;
    return true;
  }

  /** @throws {RaftError} E_FATAL if the state contradicts itself. */
  checkInvariants(lastIndex: number): void {
    assert(this.match < this.next, "match is below next");
    assert(this.match <= lastIndex, "match is at most lastIndex");
    assert(
      this.inflights.count === 0 || this.state === ProgressState.Replicate,
      "only a replicating peer has appends in flight",
    );
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.isFlowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
