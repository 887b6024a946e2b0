// Applying a committed change of membership: the configuration takes effect here, when the entry is
// applied, not when it is appended. Spec: raft.md §10.1, §10.2.

import { changeConfiguration } from "./conf-change.ts";
import type { RaftError } from "./errors.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend, sendNextEntries } from "./replication.ts";
import { NONE, Role, type ConfChange, type ConfChangeV2 } from "./types.ts";

/**
 * Puts a change into force. An impossible one has no effect and is returned as an error, never thrown:
 * every replica must make the same decision and go on.
 */
export function applyChange(raft: Raft, change: ConfChange | ConfChangeV2): RaftError | null {
  const result = changeConfiguration(raft.tracker.config, change, {
    mayRemoveLast: raft.compat === "etcd2",
  });
  if ("error" in result) return result.error;
  raft.switchConfiguration(result.confState, result.renewed);
  if (raft.role === Role.Leader) adaptLeader(raft);
  return null;
}

function adaptLeader(raft: Raft): void {
  const self = raft.tracker.get(raft.id);
  if (self === undefined || self.isLearner) {
    if (raft.options.stepDownOnRemoval) raft.becomeFollower(raft.term, NONE);
    return;
  }
  // A smaller quorum may already have more; a new peer is probed at once.
  if (raft.maybeCommit()) {
    broadcastAppend(raft);
  } else {
    for (const peer of raft.tracker.progresses) if (peer.id !== raft.id) sendNextEntries(raft, peer);
  }
  if (raft.leadTransferee !== NONE && !raft.tracker.isVoter(raft.leadTransferee)) {
    raft.leadTransferee = NONE;
  }
}
