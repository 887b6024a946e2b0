// How a leader answers ReadIndex. Raft paper §8; Ongaro's thesis §6.4. Spec: raft.md §11.

import { MessageType, type Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import { decodePosition, type ReadState } from "./read-only.ts";
import { broadcastHeartbeat } from "./replication.ts";
import { EntryType, NONE, type NodeId } from "./types.ts";

const NO_CONTEXT = new Uint8Array(0);

/** Takes a request for a read index; its context is the data of its only entry. */
export function readIndex(raft: Raft, message: Message): void {
  // With 2.x peers nobody confirms: only a member that decides alone may answer.
  if (raft.compat === "etcd2" && !raft.tracker.isSingleton()) return;
  // A fresh leader's commit index may be behind what its predecessor has answered for.
  if (!raft.hasCommittedInTerm()) {
    raft.heldReads.push(message);
    return;
  }
  startRead(raft, message);
}

/** Starts the requests that came before the first commit of this term. */
export function releaseHeldReads(raft: Raft): void {
  if (raft.heldReads.length === 0 || !raft.hasCommittedInTerm()) return;
  const held = raft.heldReads;
  raft.heldReads = [];
  for (const message of held) startRead(raft, message);
}

/** Makes the heartbeats that follow renew the lease when a quorum has answered them. */
export function renewLease(raft: Raft): void {
  const { lease, reads } = raft;
  if (lease === null || raft.compat === "etcd2" || raft.tracker.isSingleton()) return;
  reads.add({ from: NONE, index: lease.now, context: NO_CONTEXT });
  reads.acknowledge(raft.id, reads.position());
}

/** Takes the position in a heartbeat's answer and answers the requests that a quorum has confirmed by it. */
export function acknowledgeReads(raft: Raft, message: Message): void {
  const { reads } = raft;
  if (message.context === null || reads.length === 0) return;
  // A position that was never sent confirms nothing.
  const position = Math.min(decodePosition(message.context), reads.position());
  reads.acknowledge(message.from, position);
  const confirmed = reads.confirmThrough(raft.tracker.committedAck(reads.acks()));
  for (const request of confirmed) {
    if (request.from === NONE) raft.lease?.confirm(request.index);
    else answer(raft, request.from, request, "quorum");
  }
}

function startRead(raft: Raft, message: Message): void {
  const context = message.entries[0]?.data ?? NO_CONTEXT;
  const from = message.from === NONE ? raft.id : message.from;
  const index = raft.log.committed;
  if (isKnownToLead(raft) || raft.tracker.isSingleton()) {
    answer(raft, from, { index, context }, "leader");
    return;
  }
  raft.reads.add({ from, index, context });
  raft.reads.acknowledge(raft.id, raft.reads.position());
  broadcastHeartbeat(raft);
}

/** Whether there can be no other leader, without asking anyone. */
function isKnownToLead({ options, lease }: Raft): boolean {
  return options.readOnly === "lease" && (lease === null || lease.isHeld());
}

/** `by`: who is sure that this node leads. */
function answer(raft: Raft, to: NodeId, { index, context }: ReadState, by: "quorum" | "leader"): void {
  if (raft.trace !== null) raft.trace({ t: "readIndex", index, from: to, by });
  if (to === raft.id) {
    raft.readStates.push({ index, context });
    return;
  }
  const response = raft.messageTo(to, MessageType.ReadIndexResp);
  response.index = index;
  response.entries = [{ term: 0, index: 0, type: EntryType.Normal, data: context }];
  raft.send(response);
}
