// What a candidate or pre-candidate does with a message: count answers, and give up for a leader.
// Raft paper §5.2. Spec: raft.md §6.3, §8.2.

import { campaign } from "./election.ts";
import { kindOf, MessageType, type Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replication.ts";
import { stepFollower } from "./step-follower.ts";
import { VoteResult } from "./tracker.ts";
import { NONE, Role } from "./types.ts";

/** @returns false if the message was a proposal, which a candidate drops. */
export function stepCandidate(raft: Raft, message: Message): boolean {
  switch (kindOf(message)) {
    case MessageType.Prop:
      return false;
    case MessageType.App:
    case MessageType.Heartbeat:
    case MessageType.Snap:
      // Only the leader of this term sends these.
      raft.becomeFollower(message.term, message.from);
      return stepFollower(raft, message);
    case MessageType.VoteResp:
      if (raft.role === Role.Candidate) countVote(raft, message);
      return true;
    case MessageType.PreVoteResp:
      if (raft.role === Role.PreCandidate) countVote(raft, message);
      return true;
    default:
      return true;
  }
}

function countVote(raft: Raft, message: Message): void {
  raft.tracker.recordVote(message.from, !message.reject);
  switch (raft.tracker.tallyVotes()) {
    case VoteResult.Pending:
      return;
    case VoteResult.Lost:
      raft.becomeFollower(raft.term, NONE);
      return;
    case VoteResult.Won:
      if (raft.role === Role.PreCandidate) {
        campaign(raft, "election");
        return;
      }
      raft.becomeLeader();
      broadcastAppend(raft);
  }
}
