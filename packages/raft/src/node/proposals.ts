// Proposals of one turn become one batch: one append, one message per follower, one write.
// Hot path: `submit`.

import { RaftError } from "../errors.ts";
import type { RawNode } from "../raw-node.ts";
import { NONE, Role, type ConfChange } from "../types.ts";
import type { Pending } from "./pending.ts";
import { giveUp, type AwaitedProposal, type ChangeProposal, type DataProposal } from "./proposal.ts";

/** Collects proposals until they can be handed to raft. At most `limit` wait here. */
export class Proposals {
  /** Proposals without anyone awaiting them that raft did not take. */
  droppedCount = 0;
  readonly #limit: number;
  readonly #pending: Pending;
  readonly #submitted: Uint8Array[] = [];
  readonly #submittedChanges: ConfChange[] = [];
  #awaited: DataProposal[] = [];
  #awaitedChanges: ChangeProposal[] = [];

  constructor(limit: number, pending: Pending) {
    this.#limit = limit;
    this.#pending = pending;
  }

  get length(): number {
    const changes = this.#submittedChanges.length + this.#awaitedChanges.length;
    return this.#submitted.length + this.#awaited.length + changes;
  }

  get isFull(): boolean {
    return this.length >= this.#limit;
  }

  submit(data: Uint8Array): void {
    this.#submitted.push(data);
  }

  submitChange(change: ConfChange): void {
    this.#submittedChanges.push(change);
  }

  add(proposal: DataProposal): void {
    this.#awaited.push(proposal);
  }

  addChange(proposal: ChangeProposal): void {
    this.#awaitedChanges.push(proposal);
  }

  /**
   * Hands everything to raft. Without a leader, what is awaited stays and the rest is dropped. At a
   * follower, what is awaited is refused, because a forwarded entry cannot be recognised when it
   * comes back; the rest is forwarded.
   */
  flush(raft: RawNode): void {
    if (this.length === 0) return;
    if (raft.lead === NONE) {
      this.#drop(this.#submitted);
      this.#drop(this.#submittedChanges);
      this.#forgetSettled();
      return;
    }
    if (raft.role !== Role.Leader) this.#refuseAwaited(raft);
    this.#proposeData(raft);
    this.#proposeChanges(raft);
  }

  /** Hands out everything that is awaited, and forgets all. */
  takeAll(): AwaitedProposal[] {
    const proposals = [...this.#awaited, ...this.#awaitedChanges];
    this.#awaited = [];
    this.#awaitedChanges = [];
    this.#drop(this.#submitted);
    this.#drop(this.#submittedChanges);
    return proposals;
  }

  #proposeData(raft: RawNode): void {
    const batch = this.#submitted;
    const submittedCount = batch.length;
    const awaited = this.#awaited;
    if (awaited.length > 0) this.#awaited = [];
    const proposals = awaited.filter((proposal) => !proposal.isSettled);
    for (const proposal of proposals) batch.push(proposal.data);
    if (batch.length === 0) return;

    const outcome = raft.proposeBatch(batch);
    batch.length = 0;

    if (!outcome.ok) this.droppedCount += submittedCount;
    for (let i = 0; i < proposals.length; i++) {
      const proposal = proposals[i]!;
      if (!outcome.ok || outcome.forwarded) proposal.reject(droppedError(raft));
      else this.#track(outcome.index + submittedCount + i, outcome.term, proposal);
    }
  }

  #proposeChanges(raft: RawNode): void {
    for (const change of this.#submittedChanges) {
      if (!raft.proposeConfChange(change).ok) this.droppedCount++;
    }
    this.#submittedChanges.length = 0;
    const awaited = this.#awaitedChanges;
    if (awaited.length === 0) return;
    this.#awaitedChanges = [];
    for (const proposal of awaited) {
      if (proposal.isSettled) continue;
      const outcome = raft.proposeConfChange(proposal.change);
      if (!outcome.ok && outcome.code === "E_CONF_CHANGE") {
        proposal.reject(new RaftError("E_CONF_CHANGE", "members of etcd 2.x do not understand the change"));
      } else if (!outcome.ok || outcome.forwarded) {
        proposal.reject(droppedError(raft));
      } else {
        this.#track(outcome.index, outcome.term, proposal);
      }
    }
  }

  #track(index: number, term: number, proposal: AwaitedProposal): void {
    proposal.isInLog = true;
    this.#pending.add(index, term, proposal);
  }

  #refuseAwaited(raft: RawNode): void {
    for (const proposal of this.#awaited) giveUp(proposal, droppedError(raft));
    for (const proposal of this.#awaitedChanges) giveUp(proposal, droppedError(raft));
    this.#awaited = [];
    this.#awaitedChanges = [];
  }

  #forgetSettled(): void {
    this.#awaited = this.#awaited.filter((proposal) => !proposal.isSettled);
    this.#awaitedChanges = this.#awaitedChanges.filter((proposal) => !proposal.isSettled);
  }

  #drop(items: unknown[]): void {
    this.droppedCount += items.length;
    items.length = 0;
  }
}

function droppedError(raft: RawNode): RaftError {
  const { id, lead } = raft;
  const reason = lead === id ? "the leader does not accept proposals at the moment" : `the leader is ${lead}`;
  return new RaftError("E_PROPOSAL_DROPPED", reason, { details: { lead } });
}
