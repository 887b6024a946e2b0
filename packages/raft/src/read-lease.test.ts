// Reads by a lease of limited time: what a leader may do without asking, and what its voters refrain from
// so that it may. Time passes by `elapse`; elections are forced, so that only the lease can prevent them.

import { describe, expect, test } from "vitest";
import { MessageType, type Message } from "./message.ts";
import { bytes, id, message, TestNode, type NodeSetup } from "./cluster.test.support.ts";
import { encodePosition } from "./read-only.ts";
import { Role } from "./types.ts";

const { AppResp, Heartbeat, HeartbeatResp, PreVote, PreVoteResp, TimeoutNow, Vote, VoteResp } = MessageType;
const ELECTION_TICKS = 10;
const LEASE_TICKS = 5;
const CAMPAIGN_TRANSFER = bytes("CampaignTransfer");

/** A node that owes no promise of an earlier life. */
function node(setup: NodeSetup = {}): TestNode {
  const one = new TestNode({ readOnly: "lease", checkQuorum: true, ...setup });
  one.raw.elapse(ELECTION_TICKS);
  return one;
}

/** A leader of three that has committed its no-op and has no lease yet. */
function leader(setup: NodeSetup = {}): TestNode {
  const one = node(setup).lead();
  one.drain();
  for (const from of ["2", "3"]) one.raw.step(message(AppResp, { from, to: "1", term: 1, index: 1 }));
  one.drain();
  return one;
}

/** Lets a leader send its heartbeats; their context. */
function beat(lead: TestNode): Uint8Array | null {
  lead.raw.tick();
  return lead.drain().find(({ type }) => type === Heartbeat)?.context ?? null;
}

function answer(lead: TestNode, from: string, context: Uint8Array | null): void {
  lead.raw.step(message(HeartbeatResp, { from, to: "1", term: lead.raw.term, context }));
  lead.drain();
}

/** Whether a read is answered without asking anyone. */
function isReadAtOnce(lead: TestNode): boolean {
  lead.raw.readIndex(bytes("r"));
  const ready = lead.handle();
  lead.drain();
  return ready.readStates.length > 0;
}

/** A follower that has answered a heartbeat of leader 2 at term 1. */
function promised(setup: NodeSetup = {}): TestNode {
  const one = node({ term: 1, ...setup });
  one.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1, context: encodePosition(1) }));
  one.drain();
  return one;
}

function ask(one: TestNode, fields: Partial<Message> & { from?: string } = {}): Message[] {
  one.raw.step(message(Vote, { from: "3", to: "1", term: 2, index: 9, logTerm: 1, ...fields }));
  return one.drain();
}

describe("a leader", () => {
  test("has no lease before a quorum has answered a heartbeat, and asks instead", () => {
    const lead = leader();

    expect(isReadAtOnce(lead)).toBe(false);
    beat(lead);
    expect(isReadAtOnce(lead)).toBe(false);
  });

  test("reads at once for the time of its lease, counted from when the heartbeat was sent", () => {
    const lead = leader();
    const context = beat(lead);
    lead.raw.elapse(LEASE_TICKS - 1);
    answer(lead, "2", context);

    expect(isReadAtOnce(lead)).toBe(true);
    lead.raw.elapse(1);

    expect(isReadAtOnce(lead)).toBe(false);
  });

  test("renews its lease with every round that is answered, and only with that round", () => {
    const lead = leader();
    const first = beat(lead);
    lead.raw.elapse(4);
    const second = beat(lead);
    lead.raw.elapse(2);

    answer(lead, "2", first);
    expect(isReadAtOnce(lead)).toBe(false);
    answer(lead, "3", second);

    expect(isReadAtOnce(lead)).toBe(true);
  });

  test("with four others needs two of them, and a learner counts for nothing", () => {
    const lead = node({ voters: ["1", "2", "3", "4", "5"], learners: ["6"] }).lead();
    lead.drain();
    for (const from of ["2", "3"]) lead.raw.step(message(AppResp, { from, to: "1", term: 1, index: 1 }));
    const context = beat(lead);

    answer(lead, "2", context);
    answer(lead, "6", context);
    expect(isReadAtOnce(lead)).toBe(false);
    answer(lead, "5", context);

    expect(isReadAtOnce(lead)).toBe(true);
  });

  test("reads without its lease are answered when a quorum confirms them", () => {
    const lead = leader();
    lead.raw.readIndex(bytes("r"));
    const context = lead.drain().find(({ type }) => type === Heartbeat)?.context ?? null;
    lead.raw.step(message(HeartbeatResp, { from: "3", to: "1", term: 1, context }));

    expect(lead.handle().readStates).toMatchObject([{ index: 1, context: bytes("r") }]);
  });

  test("gives its lease up for the term when it orders a transfer: the order may arrive at any time", () => {
    const lead = leader();
    answer(lead, "2", beat(lead));
    expect(isReadAtOnce(lead)).toBe(true);

    lead.raw.transferLeader(id("3"));
    expect(lead.drain().map(({ type }) => type)).toContain(TimeoutNow);
    lead.raw.tick(ELECTION_TICKS);
    lead.drain();
    answer(lead, "2", beat(lead));

    expect(isReadAtOnce(lead)).toBe(false);
  });

  test("takes no lease among members of etcd 2, who promise nothing", () => {
    const lead = leader({ compat: "etcd2" });

    expect(beat(lead)).toBeNull();
  });
});

describe("a voter that has answered its leader's heartbeat", () => {
  test("ignores votes and pre-votes of others for an election timeout, and then not", () => {
    const voter = promised();
    voter.raw.elapse(ELECTION_TICKS - 1);
    expect(ask(voter)).toEqual([]);
    expect(ask(voter, { type: PreVote })).toEqual([]);
    expect(voter.raw.term).toBe(1);

    voter.raw.elapse(1);
    voter.raw.setRandomizedElectionTimeout(2 * ELECTION_TICKS);
    voter.raw.tick(ELECTION_TICKS); // the usual lease of votes is over too

    expect(ask(voter, { type: PreVote })).toMatchObject([{ type: PreVoteResp, reject: false }]);
  });

  test("does so in a term that has begun since", () => {
    const voter = promised();
    // An answer to something it asked long ago.
    voter.raw.step(message(PreVoteResp, { from: "3", to: "1", term: 2, reject: true }));
    expect(voter.raw.term).toBe(2);

    expect(ask(voter, { term: 2 })).toEqual([]);
  });

  test.each([true, false])("does not stand for election when it is told to, pre-votes: %s", (preVote) => {
    const voter = promised({ preVote });

    voter.raw.campaign();
    expect([voter.raw.role, voter.raw.lead]).toEqual([Role.Follower, "2"]);
    voter.raw.elapse(ELECTION_TICKS);
    voter.raw.campaign();

    expect(voter.raw.role).toBe(preVote ? Role.PreCandidate : Role.Candidate);
  });

  test("keeps its promise when it changes to the rules of etcd 2, and gives no other", () => {
    const voter = promised();
    voter.raw.setCompat("etcd2");
    expect(ask(voter)).toEqual([]);

    voter.raw.elapse(5);
    voter.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1, context: encodePosition(2) }));
    expect(voter.drain()).toMatchObject([{ type: HeartbeatResp, context: null }]);
    voter.raw.elapse(5);

    expect(ask(voter)).toMatchObject([{ type: VoteResp, reject: false }]);
  });

  test("keeps the promise of its last life when it is started again", () => {
    const voter = promised();
    const again = new TestNode({ readOnly: "lease", checkQuorum: true, restartFrom: voter.storage });
    again.raw.elapse(ELECTION_TICKS - 1);

    expect(ask(again)).toEqual([]);
    again.raw.elapse(1);

    expect(ask(again)).toMatchObject([{ type: VoteResp, reject: false }]);
  });

  test("obeys an order of the leader itself", () => {
    const voter = promised();

    expect(ask(voter, { context: CAMPAIGN_TRANSFER })).toMatchObject([{ type: VoteResp, reject: false }]);
    const chosen = promised();
    chosen.raw.step(message(TimeoutNow, { from: "2", to: "1", term: 1 }));
    expect(chosen.raw.role).toBe(Role.Candidate);
  });

  test("counts ticks until it is told of time by the clock", () => {
    const voter = new TestNode({ readOnly: "lease", checkQuorum: true, electionTick: 20, term: 1 });
    voter.raw.tick(19);
    expect(ask(voter)).toEqual([]);
    voter.raw.elapse(0);
    voter.raw.setRandomizedElectionTimeout(100);
    voter.raw.tick(5);
    expect(ask(voter)).toEqual([]);

    voter.raw.elapse(1);

    expect(ask(voter)).toMatchObject([{ type: VoteResp, reject: false }]);
  });
});
