// What can be seen of a node from outside: plain data, safe for JSON, with stable names.
// Spec: raft.md §17.4.

import type { ProgressState } from "./progress.ts";
import type { Raft } from "./raft.ts";
import { Role, type ConfState, type NodeId } from "./types.ts";

/** A peer as the leader sees it. */
export interface ProgressStatus {
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly paused: boolean;
  /** Appends without an answer. */
  readonly inflight: number;
  readonly recentActive: boolean;
  readonly pendingSnapshot: number;
  readonly learner: boolean;
}

/** The state of a node at one moment. */
export interface Status {
  readonly id: NodeId;
  readonly term: number;
  readonly vote: NodeId;
  readonly lead: NodeId;
  readonly role: Role;
  readonly commit: number;
  readonly applied: number;
  readonly applying: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The index of the first entry that is not known to be stable. */
  readonly unstableOffset: number;
  readonly electionElapsed: number;
  readonly heartbeatElapsed: number;
  readonly randomizedElectionTimeout: number;
  readonly config: ConfState;
  readonly transferee: NodeId;
  readonly pendingConfIndex: number;
  readonly uncommittedSize: number;
  /** The answers a candidate has, by member. */
  readonly votes: Readonly<Record<NodeId, boolean>>;
  /** Every member by id, the leader included; null on others. */
  readonly progress: Readonly<Record<NodeId, ProgressStatus>> | null;
}

/** Reads the status of a node; nothing in it changes afterwards. */
export function readStatus(raft: Raft): Status {
  const { log } = raft;
  return {
    id: raft.id,
    term: raft.term,
    vote: raft.vote,
    lead: raft.lead,
    role: raft.role,
    commit: log.committed,
    applied: log.applied,
    applying: log.applying,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    unstableOffset: log.unstable.offset,
    electionElapsed: raft.electionElapsed,
    heartbeatElapsed: raft.heartbeatElapsed,
    randomizedElectionTimeout: raft.randomizedElectionTimeout,
    config: raft.tracker.config,
    transferee: raft.leadTransferee,
    pendingConfIndex: raft.pendingConfIndex,
    uncommittedSize: raft.uncommittedSizeBytes,
    votes: Object.fromEntries(raft.tracker.votes()),
    progress: raft.role === Role.Leader ? readProgress(raft) : null,
  };
}

function readProgress(raft: Raft): Record<NodeId, ProgressStatus> {
  const progress: Record<NodeId, ProgressStatus> = {};
  for (const peer of raft.tracker.progresses) {
    progress[peer.id] = {
      match: peer.match,
      next: peer.next,
      state: peer.state,
      paused: peer.isPaused(),
      inflight: peer.inflights.count,
      recentActive: peer.isRecentlyActive,
      pendingSnapshot: peer.pendingSnapshot,
      learner: peer.isLearner,
    };
  }
  return progress;
}
