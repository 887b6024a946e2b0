// What a leader sends to its peers, and when: appends, snapshots, heartbeats.
// Raft paper §5.3, §7. Spec: raft.md §7, §12.2. Hot path.

import { fatal } from "./assert.ts";
import { payloadSizeBytes } from "./entry-size.ts";
import { isEntries, isSnapshot } from "./log.ts";
import { MessageType } from "./message.ts";
import type { Progress } from "./progress.ts";
import { ProgressState } from "./progress.ts";
import type { Raft } from "./raft.ts";
import type { Entry } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/** Sends what there is to every peer, learners included, in ascending order of ids. */
export function broadcastAppend(raft: Raft): void {
  const { progresses } = raft.tracker;
  for (let i = 0; i < progresses.length; i++) {
    if (progresses[i]!.id !== raft.id) sendAppend(raft, progresses[i]!);
  }
}

/** Sends an append even if it carries no entries. */
export function sendAppend(raft: Raft, peer: Progress): void {
  maybeSendAppend(raft, peer, true);
}

/** Sends an append only if there are entries for it; false if nothing was sent. */
export function sendNextEntries(raft: Raft, peer: Progress): boolean {
  return maybeSendAppend(raft, peer, false);
}

/** Sends a heartbeat to every peer, learners included. */
export function broadcastHeartbeat(raft: Raft): void {
  const context = raft.reads.heartbeatContext();
  for (const peer of raft.tracker.progresses) {
    if (peer.id === raft.id) continue;
    const message = raft.messageTo(peer.id, MessageType.Heartbeat);
    // Never a commit index the peer may not have: its log may differ behind match.
    message.commit = Math.min(peer.match, raft.log.committed);
    message.context = context;
    raft.send(message);
    peer.sentCommit = message.commit;
  }
}

function maybeSendAppend(raft: Raft, peer: Progress, isEmptyAllowed: boolean): boolean {
  if (peer.isPaused()) return false;
  const { log } = raft;
  const previousIndex = peer.next - 1;
  const previousTerm = log.term(previousIndex);
  if (typeof previousTerm !== "number") return maybeSendSnapshot(raft, peer);

  // With a full window an empty append still goes out: it finds out if the window was lost.
  const hasRoom = peer.state !== ProgressState.Replicate || !peer.inflights.isFull();
  const entries = hasRoom ? log.entries(peer.next, raft.options.maxSizePerMsg) : NO_ENTRIES;
  if (!isEntries(entries)) return maybeSendSnapshot(raft, peer);
  if (entries.length === 0 && !isEmptyAllowed) return false;

  const message = raft.messageTo(peer.id, MessageType.App);
  message.index = previousIndex;
  message.logTerm = previousTerm;
  message.entries = entries;
  message.commit = log.committed;
  raft.send(message);
  peer.sentEntries(entries.length, payloadSizeBytes(entries));
  peer.sentCommit = log.committed;
  return true;
}

function maybeSendSnapshot(raft: Raft, peer: Progress): boolean {
  // To a peer that does not answer it would be sent in vain.
  if (!peer.isRecentlyActive) return false;
  const snapshot = raft.log.snapshot();
  if (!isSnapshot(snapshot)) return false;
  if (snapshot.meta.index === 0) throw fatal("storage compacted entries without a snapshot of them");
  const message = raft.messageTo(peer.id, MessageType.Snap);
  message.snapshot = snapshot;
  peer.becomeSnapshot(snapshot.meta.index);
  raft.send(message);
  return true;
}
