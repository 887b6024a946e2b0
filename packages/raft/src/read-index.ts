// How a leader answers ReadIndex. Raft paper §8; Ongaro's thesis §6.4. Spec: raft.md §11.

import { MessageType, type Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import { decodePosition } from "./read-only.ts";
import { broadcastHeartbeat } from "./replication.ts";
import { EntryType, NONE, type NodeId } from "./types.ts";

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

/** Takes the position in a heartbeat's answer and answers the requests that a quorum has confirmed by it. */
export function acknowledgeReads(raft: Raft, message: Message): void {
  const { reads } = raft;
  if (raft.options.readOnly === "lease" || message.context === null || reads.length === 0) return;
  // A position that was never sent confirms nothing.
  const position = Math.min(decodePosition(message.context), reads.position());
  reads.acknowledge(message.from, position);
  const confirmed = reads.confirmThrough(raft.tracker.committedAck(reads.acks()));
  for (const request of confirmed) answer(raft, request.from, request.index, request.context);
}

function startRead(raft: Raft, message: Message): void {
  const context = message.entries[0]?.data ?? new Uint8Array(0);
  const from = message.from === NONE ? raft.id : message.from;
  const index = raft.log.committed;
  if (raft.options.readOnly === "lease" || raft.tracker.isSingleton()) {
    answer(raft, from, index, context);
    return;
  }
  raft.reads.add({ from, index, context });
  raft.reads.acknowledge(raft.id, raft.reads.position());
  broadcastHeartbeat(raft);
}

function answer(raft: Raft, to: NodeId, index: number, context: Uint8Array): void {
  if (raft.trace !== null) raft.trace({ t: "readIndex", index, from: to });
  if (to === raft.id) {
    raft.readStates.push({ index, context });
    return;
  }
  const response = raft.messageTo(to, MessageType.ReadIndexResp);
  response.index = index;
  response.entries = [{ term: 0, index: 0, type: EntryType.Normal, data: context }];
  raft.send(response);
}
