// Elections: when a node campaigns, what it asks for, and when it gives its vote.
// Raft paper §5.2, §5.4.1; pre-votes: Ongaro's thesis §9.6. Spec: raft.md §6.2, §8.

import { assert, fatal } from "./assert.ts";
import { isEntries } from "./log.ts";
import { Message, MessageType } from "./message.ts";
import type { Raft } from "./raft.ts";
import { EntryType, NONE, Role } from "./types.ts";

/** A pre-election asks whether the election can be won; a transfer was ordered by the leader. */
export type CampaignKind = "preElection" | "election" | "transfer";

/** In the vote of a transfer: the ASCII bytes of `CampaignTransfer`. */
const TRANSFER_CONTEXT: Uint8Array = Uint8Array.from("CampaignTransfer", (char) => char.charCodeAt(0));

/** How many bytes of entries are looked through at once for changes of membership. */
const SCAN_PAGE_SIZE_BYTES = 1024 * 1024;

/** Campaigns, if this node may. */
export function hup(raft: Raft, kind: CampaignKind): void {
  if (raft.role === Role.Leader || !raft.isPromotable() || raft.isInDoubt) return;
  if (kind !== "transfer" && raft.hasPromised()) return;
  // With a change ahead, this node would count with a majority that may not be one any more.
  if (hasUnappliedConfChange(raft)) return;
  // Somebody sent a forged term. Silence would look like a cluster without a majority.
  if (raft.term >= Number.MAX_SAFE_INTEGER) throw fatal(`there is no term above ${raft.term}`);
  campaign(raft, kind);
}

/** Asks every voter, itself included, for its vote. */
export function campaign(raft: Raft, kind: CampaignKind): void {
  const isPre = kind === "preElection";
  if (isPre) raft.becomePreCandidate();
  else raft.becomeCandidate();
  const term = isPre ? raft.term + 1 : raft.term;
  const { lastIndex, lastTerm } = raft.log;
  for (const id of raft.tracker.voterIds()) {
    if (id === raft.id) {
      // The own vote counts like a peer's: once it is durable.
      raft.send(new Message(isPre ? MessageType.PreVoteResp : MessageType.VoteResp, id, id, term));
      continue;
    }
    const request = new Message(isPre ? MessageType.PreVote : MessageType.Vote, id, raft.id, term);
    request.index = lastIndex;
    request.logTerm = lastTerm;
    if (kind === "transfer") request.context = TRANSFER_CONTEXT;
    raft.send(request);
  }
}

/** Whether a vote is asked for by order of the leader, so that no lease stands against it. */
export function isTransferCampaign(message: Message): boolean {
  const { context } = message;
  if (context === null || context.length !== TRANSFER_CONTEXT.length) return false;
  return context.every((byte, i) => byte === TRANSFER_CONTEXT[i]);
}

/** Answers a Vote or PreVote of the own or a higher term. */
export function answerVote(raft: Raft, message: Message): void {
  const isPre = message.type === MessageType.PreVote;
  const type = isPre ? MessageType.PreVoteResp : MessageType.VoteResp;
  if (!mayVote(raft, message) || !raft.log.isUpToDate(message.index, message.logTerm)) {
    const refusal = raft.messageTo(message.from, type);
    refusal.reject = true;
    raft.send(refusal);
    return;
  }
  // The term of the request: a pre-vote is granted for a term that this node has not reached.
  raft.send(new Message(type, message.from, raft.id, message.term));
  if (isPre) return;
  assert(raft.vote === NONE || raft.vote === message.from, "a vote is given once in a term");
  raft.electionElapsed = 0;
  raft.vote = message.from;
  if (raft.trace !== null) raft.trace({ t: "vote", term: raft.term, vote: raft.vote });
}

function mayVote(raft: Raft, message: Message): boolean {
  if (raft.vote === message.from) return true;
  if (raft.isInDoubt) return false;
  if (raft.vote === NONE && raft.lead === NONE) return true;
  return message.type === MessageType.PreVote && message.term > raft.term;
}

/** Looks through the committed entries that are not applied yet, page by page. */
function hasUnappliedConfChange(raft: Raft): boolean {
  const { log } = raft;
  for (let lo = log.applied + 1; lo <= log.committed;) {
    const page = log.slice(lo, log.committed + 1, SCAN_PAGE_SIZE_BYTES);
    if (!isEntries(page)) throw fatal(`entry ${lo} was compacted before it was applied`);
    if (page.some((entry) => entry.type !== EntryType.Normal)) return true;
    lo += page.length;
  }
  return false;
}
