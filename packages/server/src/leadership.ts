// Who leads, since when, and what that says about requests that got no answer
// (client-api.md §16, "On timeout").

import { NONE, type NodeId } from "@kv/raft";

export interface LeadershipDeps {
  readonly id: NodeId;
  readonly electionMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Since when a peer can be talked to, or null. */
  readonly activeSince: (id: NodeId) => number | null;
  /** All members but this one. */
  readonly peers: () => readonly NodeId[];
}

/** The leader as this member knows it. */
export class Leadership {
  readonly #deps: LeadershipDeps;
  #leader: NodeId = NONE;
  #electedAtMs = Number.NEGATIVE_INFINITY;
  #known: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(deps: LeadershipDeps) {
    this.#deps = deps;
  }

  get leader(): NodeId {
    return this.#leader;
  }

  get isOwn(): boolean {
    return this.#leader === this.#deps.id;
  }

  /** Resolves when a leader is known; never rejects. */
  whenKnown(): Promise<void> {
    return this.#known.promise;
  }

  /** To be called with every change, "none" included. */
  changed(leader: NodeId): void {
    if (leader === this.#leader) return;
    if (leader === NONE) {
      this.#known = Promise.withResolvers();
    } else {
      this.#electedAtMs = this.#deps.now();
      this.#known.resolve();
    }
    this.#leader = leader;
  }

  /** Why a request that began at `startMs` timed out, in etcd's words. */
  timeoutCause(startMs: number): string {
    const lostAtMs = this.#electedAtMs - 2 * this.#deps.electionMs;
    if (startMs > lostAtMs && startMs < this.#electedAtMs) {
      return "etcdserver: request timed out, possibly due to previous leader failure";
    }
    return this.#wasConnectedSince(startMs)
      ? "etcdserver: request timed out"
      : "etcdserver: request timed out, possibly due to connection lost";
  }

  #wasConnectedSince(startMs: number): boolean {
    if (this.#leader === NONE) return true; // nothing to be connected to: no statement about the network
    if (!this.isOwn) return this.#isActiveSince(this.#leader, startMs);
    const peers = this.#deps.peers();
    const active = 1 + peers.filter((id) => this.#isActiveSince(id, startMs)).length;
    return active >= Math.floor((peers.length + 1) / 2) + 1;
  }

  #isActiveSince(id: NodeId, startMs: number): boolean {
    const since = this.#deps.activeSince(id);
    return since !== null && since < startMs;
  }
}
