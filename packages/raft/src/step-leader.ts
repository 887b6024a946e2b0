// What a leader does with a message: append proposals, and learn from answers what its peers have.
// Raft paper §5.3, §5.4. Spec: raft.md §6.3, §7.3, §8.5, §8.7. Hot path.

import { kindOf, MessageType, type Message } from "./message.ts";
import { proposeMessage } from "./propose.ts";
import { ProgressState, type Progress } from "./progress.ts";
import type { Raft } from "./raft.ts";
import { acknowledgeReads, readIndex, releaseHeldReads, renewLease } from "./read-index.ts";
import { broadcastAppend, broadcastHeartbeat, sendAppend, sendNextEntries } from "./replication.ts";
import { NONE } from "./types.ts";

/** @returns false if the message was a proposal and had to be dropped. */
export function stepLeader(raft: Raft, message: Message): boolean {
  switch (kindOf(message)) {
    case MessageType.Beat:
      renewLease(raft);
      broadcastHeartbeat(raft);
      return true;
    case MessageType.CheckQuorum:
      checkQuorum(raft);
      return true;
    case MessageType.Prop:
      return proposeMessage(raft, message);
    case MessageType.ReadIndex:
      readIndex(raft, message);
      return true;
    case MessageType.App:
    case MessageType.Heartbeat:
    case MessageType.Snap:
      // Another leader of the same term: impossible as long as votes are kept.
      if (raft.trace !== null) raft.trace({ t: "violation", message });
      return true;
    default: {
      const peer = raft.tracker.get(message.from);
      if (peer !== undefined) stepFromPeer(raft, peer, message);
      return true;
    }
  }
}

function stepFromPeer(raft: Raft, peer: Progress, message: Message): void {
  switch (kindOf(message)) {
    case MessageType.AppResp:
      peer.isRecentlyActive = true;
      if (message.reject) handleReject(raft, peer, message);
      else handleAccept(raft, peer, message.index);
      return;
    case MessageType.HeartbeatResp:
      peer.isRecentlyActive = true;
      peer.isFlowPaused = false;
      if (peer.match < raft.log.lastIndex || peer.state === ProgressState.Probe) sendAppend(raft, peer);
      acknowledgeReads(raft, message);
      return;
    case MessageType.SnapStatus:
      handleSnapStatus(peer, message.reject);
      return;
    case MessageType.Unreachable:
      // What is in flight was probably lost.
      if (peer.state === ProgressState.Replicate) peer.becomeProbe();
      return;
    case MessageType.TransferLeader:
      transferLeader(raft, peer);
      return;
    default:
  }
}

/** The peer refused an append: step back to where the logs may agree, and try again. */
function handleReject(raft: Raft, peer: Progress, message: Message): void {
  if (isAnnouncedLoss(raft, peer, message)) {
    peer.match = message.rejectHint;
    peer.becomeProbe();
    sendAppend(raft, peer);
    return;
  }
  // A 2.x peer names no term; its hint is its last index.
  const hint =
    message.logTerm > 0
      ? raft.log.findConflictByTerm(message.rejectHint, message.logTerm).index
      : message.rejectHint;
  if (!peer.maybeDecrementTo(message.index, hint)) return;
  if (peer.state === ProgressState.Replicate) peer.becomeProbe();
  sendAppend(raft, peer);
}

/** Whether the peer says that it lost entries it had acknowledged. Spec: raft.md §12.6. */
function isAnnouncedLoss(raft: Raft, peer: Progress, message: Message): boolean {
  if (raft.options.onCommitRegression === "throw" || message.logTerm !== 0) return false;
  // The index is that of the heartbeat which revealed it.
  return message.index === Math.min(peer.match, raft.log.committed) && message.rejectHint < message.index;
}

/** The peer, or this node itself, has everything through `index`. */
function handleAccept(raft: Raft, peer: Progress, index: number): void {
  // Nobody can have what this leader has never had.
  if (index > raft.log.lastIndex) return;
  const isNews = peer.maybeUpdate(index);
  if (!isNews && !(peer.match === index && peer.state === ProgressState.Probe)) return;
  switch (peer.state) {
    case ProgressState.Probe:
      peer.becomeReplicate();
      break;
    case ProgressState.Snapshot:
      // Any snapshot that lets us go on from the own log will do, not only the one that was sent.
      if (peer.match + 1 >= raft.log.firstIndex) peer.becomeReplicate();
      break;
    case ProgressState.Replicate:
      peer.inflights.freeThrough(index);
      break;
  }
  const isSelf = peer.id === raft.id;
  if (raft.maybeCommit()) {
    releaseHeldReads(raft);
    broadcastAppend(raft);
  } else if (!isSelf && peer.canBumpCommit(raft.log.committed)) {
    sendAppend(raft, peer);
  }
  if (isSelf) return;
  // A probe may have ended, or the window opened: fill it.
  while (sendNextEntries(raft, peer));
  if (peer.id === raft.leadTransferee && peer.match === raft.log.lastIndex) sendTimeoutNow(raft, peer);
}

function handleSnapStatus(peer: Progress, hasFailed: boolean): void {
  if (peer.state !== ProgressState.Snapshot) return;
  if (hasFailed) peer.pendingSnapshot = 0;
  peer.becomeProbe();
  // Wait for the peer's answer, or after a failure for the next round of heartbeats.
  peer.isFlowPaused = true;
}

/** Steps down unless a quorum was heard of since the last check. */
function checkQuorum(raft: Raft): void {
  if (!raft.tracker.isQuorumActive(raft.id)) {
    raft.becomeFollower(raft.term, NONE);
    return;
  }
  for (const peer of raft.tracker.progresses) {
    if (peer.id !== raft.id) peer.isRecentlyActive = false;
  }
}

/** Hands leadership to `peer` once it has the whole log (Ongaro's thesis §3.10). */
function transferLeader(raft: Raft, peer: Progress): void {
  if (peer.isLearner || raft.compat === "etcd2") return;
  if (raft.leadTransferee === peer.id) return;
  raft.leadTransferee = NONE;
  if (peer.id === raft.id) return;
  // The transfer has one election timeout to succeed.
  raft.electionElapsed = 0;
  raft.leadTransferee = peer.id;
  if (peer.match === raft.log.lastIndex) sendTimeoutNow(raft, peer);
  else sendAppend(raft, peer);
}

function sendTimeoutNow(raft: Raft, peer: Progress): void {
  if (raft.lease !== null) raft.lease.giveUp();
  raft.send(raft.messageTo(peer.id, MessageType.TimeoutNow));
}
