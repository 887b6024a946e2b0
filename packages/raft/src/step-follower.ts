// What a follower does with a message: obey the leader, forward the rest to it.
// Raft paper §5.3, §7. Spec: raft.md §6.3, §12.

import { findConfStateFault } from "./conf-change.ts";
import { hup } from "./election.ts";
import { kindOf, Message, MessageType } from "./message.ts";
import type { Raft } from "./raft.ts";
import { NONE, Role, type ConfState, type NodeId, type Snapshot } from "./types.ts";

/** @returns false if the message was a proposal and had to be dropped. */
export function stepFollower(raft: Raft, message: Message): boolean {
  switch (kindOf(message)) {
    case MessageType.Prop:
      if (raft.lead === NONE || raft.options.disableProposalForwarding) return false;
      forwardToLeader(raft, message, 0);
      return true;
    case MessageType.App:
      hearLeader(raft, message);
      handleAppend(raft, message);
      return true;
    case MessageType.Heartbeat:
      hearLeader(raft, message);
      handleHeartbeat(raft, message);
      return true;
    case MessageType.Snap:
      hearLeader(raft, message);
      handleSnapshot(raft, message);
      return true;
    case MessageType.TransferLeader:
      if (raft.lead !== NONE && raft.compat === "modern") forwardToLeader(raft, message, raft.term);
      return true;
    case MessageType.ReadIndex:
      if (raft.lead !== NONE && raft.compat === "modern") forwardToLeader(raft, message, 0);
      return true;
    case MessageType.TimeoutNow:
      hup(raft, "transfer");
      return true;
    case MessageType.ReadIndexResp:
      receiveReadIndex(raft, message);
      return true;
    case MessageType.ForgetLeader:
      // With reads by lease, followers must not elect anyone while the leader is in touch.
      if (raft.options.readOnly === "safe") raft.lead = NONE;
      return true;
    default:
      return true;
  }
}

function hearLeader(raft: Raft, message: Message): void {
  raft.electionElapsed = 0;
  raft.lead = message.from;
}

function forwardToLeader(raft: Raft, message: Message, term: number): void {
  const from = message.from === NONE ? raft.id : message.from;
  const forwarded = new Message(message.type, raft.lead, from, term);
  forwarded.entries = message.entries;
  forwarded.context = message.context;
  raft.send(forwarded);
}

function handleAppend(raft: Raft, message: Message): void {
  const { log } = raft;
  const answer = raft.messageTo(message.from, MessageType.AppResp);
  if (message.index < log.committed) {
    // A late or repeated append. What is committed agrees, and this moves the leader's view forward.
    answer.index = log.committed;
    raft.send(answer);
    return;
  }
  if (!isWellFormed(message)) return;
  const last = raft.trace === null ? append(raft, message) : appendTraced(raft, message);
  if (last >= 0) {
    raft.acceptedAppendTerm = raft.term;
    answer.index = last;
    raft.send(answer);
    return;
  }
  // The term in the hint lets the leader skip all of its entries of higher terms (raft paper §5.3, end).
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex), message.logTerm);
  answer.index = message.index;
  answer.reject = true;
  answer.rejectHint = hint.index;
  answer.logTerm = hint.term;
  raft.send(answer);
}

/** Whether the entries, if any, follow each other behind `index`, in terms that never fall and have begun. */
function isWellFormed(message: Message): boolean {
  const { entries, index } = message;
  let term = message.logTerm;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.index !== index + 1 + i || entry.term < term) return false;
    term = entry.term;
  }
  return entries.length === 0 || term <= message.term;
}

function append(raft: Raft, message: Message): number {
  return raft.log.maybeAppend(message.index, message.logTerm, message.commit, message.entries);
}

/** The same, telling the trace hook what has changed. */
function appendTraced(raft: Raft, message: Message): number {
  const { committed, lastIndex } = raft.log;
  const first = message.entries[raft.log.findConflict(message.entries)];
  const last = append(raft, message);
  if (raft.trace === null || last < 0) return last;
  if (first !== undefined) {
    if (first.index <= lastIndex) raft.trace({ t: "truncate", from: first.index });
    raft.trace({ t: "append", from: first.index, through: last });
  }
  if (raft.log.committed > committed) raft.trace({ t: "commit", commit: raft.log.committed });
  return last;
}

function handleHeartbeat(raft: Raft, message: Message): void {
  const { log } = raft;
  if (message.commit > log.lastIndex && raft.options.onCommitRegression === "recover") {
    // Entries this node once acknowledged are gone; ask for them again (raft.md §12.6).
    const loss = raft.messageTo(message.from, MessageType.AppResp);
    loss.index = message.commit;
    loss.reject = true;
    loss.rejectHint = log.lastIndex;
    raft.send(loss);
    return;
  }
  const committed = log.committed;
  log.commitTo(message.commit);
  if (raft.trace !== null && log.committed > committed) raft.trace({ t: "commit", commit: log.committed });
  const answer = raft.messageTo(message.from, MessageType.HeartbeatResp);
  answer.context = contextToEcho(raft, message);
  raft.send(answer);
}

/** The answer to a heartbeat with a context counts for the leader's lease, so it is a promise. */
function contextToEcho({ lease, compat }: Raft, { context }: Message): Uint8Array | null {
  if (lease === null || context === null) return context;
  // By the rules of etcd 2.x no vote may be withheld, so nothing is promised, and nothing echoed.
  if (compat === "etcd2") return null;
  lease.promise();
  return context;
}

function handleSnapshot(raft: Raft, message: Message): void {
  const isRestored = restore(raft, message.snapshot);
  const answer = raft.messageTo(message.from, MessageType.AppResp);
  answer.index = isRestored ? raft.log.lastIndex : raft.log.committed;
  raft.send(answer);
}

/** Replaces log and configuration by a snapshot; false if it brings nothing. Spec: raft.md §12.3. */
function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot.meta;
  if (index <= raft.log.committed || raft.role !== Role.Follower) return false;
  const isSelfRequired = raft.options.snapshotWithoutSelf === "reject" && raft.compat === "modern";
  if (isSelfRequired && !isMember(confState, raft.id)) return false;
  // Nobody can have a snapshot of a term that has not begun, or of members that cannot be.
  if (term > raft.term || findConfStateFault(confState) !== null) return false;
  if (raft.log.matchTerm(index, term)) {
    // The log has it already: keep the log.
    raft.log.commitTo(index);
    return false;
  }
  raft.log.restore(snapshot);
  raft.switchConfiguration(confState);
  if (raft.trace !== null) raft.trace({ t: "snapshot", index, term });
  return true;
}

function isMember(config: ConfState, id: NodeId): boolean {
  return config.voters.includes(id) || config.learners.includes(id) || config.votersOutgoing.includes(id);
}

function receiveReadIndex(raft: Raft, message: Message): void {
  const entry = message.entries[0];
  if (entry === undefined || message.entries.length !== 1) return;
  raft.readStates.push({ index: message.index, context: entry.data ?? new Uint8Array(0) });
}
