// The rules of the raft paper, group A of raft-tests.md: one test for each line of the catalogue.

import { describe, expect, test } from "vitest";
import { MessageType, type Message } from "./message.ts";
import { resolveOptions } from "./options.ts";
import { Raft } from "./raft.ts";
import { RawNode } from "./raw-node.ts";
import {
  bytes,
  entriesOf,
  entryAt,
  id,
  message,
  pseudoRandom,
  snapshotAt,
  TestCluster,
  TestNode,
  TestStorage,
} from "./cluster.test.support.ts";
import { EMPTY_CONF_STATE, Role } from "./types.ts";

const { App, AppResp, Heartbeat, HeartbeatResp, Prop, Snap, Vote, VoteResp } = MessageType;

function follower(term = 1): TestNode {
  return new TestNode({ term });
}

function candidate(term = 2): TestNode {
  const node = new TestNode({ term: term - 1 });
  node.raw.campaign();
  node.drain();
  return node;
}

function leader(setup: ConstructorParameters<typeof TestNode>[0] = {}): TestNode {
  const node = new TestNode({ term: 1, ...setup }).lead();
  node.drain();
  return node;
}

function ofType(messages: readonly Message[], type: MessageType): Message[] {
  return messages.filter((one) => one.type === type);
}

describe("A-01: an append of a higher term makes any role a follower of its sender", () => {
  test.for([
    ["follower", follower],
    ["candidate", candidate],
    ["leader", leader],
  ] as const)("%s", ([, make]) => {
    const node = make();
    const term = node.raw.term + 1;

    node.raw.step(message(App, { from: "2", to: "1", term }));

    expect([node.raw.term, node.raw.role, node.raw.lead]).toEqual([term, Role.Follower, "2"]);
  });
});

test.for([App, AppResp, Vote, VoteResp, Heartbeat, HeartbeatResp, Snap] as const)(
  "A-02: a message of type %i of an older term changes nothing and is not answered",
  (type) => {
    const node = follower(2);
    const before = node.raw.status();

    node.raw.step(message(type, { from: "2", to: "1", term: 1, index: 5, entries: [entryAt(1, 1)] }));

    expect(node.raw.status()).toEqual(before);
    expect(node.drain()).toEqual([]);
  },
);

test("A-03: a new node is a follower of nobody, at the term of its hard state", () => {
  const node = follower(7);

  expect([node.raw.role, node.raw.term, node.raw.lead]).toEqual([Role.Follower, 7, "0"]);
});

test("A-04: a leader sends one heartbeat to each other node after heartbeatTick ticks, in id order", () => {
  const node = leader({ voters: ["3", "1", "2"], heartbeatTick: 2 });

  node.raw.tick();
  expect(node.drain()).toEqual([]);
  node.raw.tick();

  const sent = node.drain();
  expect(sent.map((one) => [one.type, one.to, one.term])).toEqual([
    [Heartbeat, "2", 2],
    [Heartbeat, "3", 2],
  ]);
});

test.for([
  ["follower", follower],
  ["candidate", candidate],
] as const)("A-05: a %s without traffic campaigns when its timeout has passed", ([, make]) => {
  const node = make();
  const { term } = node.raw;
  node.raw.setRandomizedElectionTimeout(15);

  node.raw.tick(14);
  expect(node.raw.term).toBe(term);
  node.raw.tick();

  const sent = node.drain();
  expect([node.raw.term, node.raw.role, node.raw.status().vote]).toEqual([term + 1, Role.Candidate, "1"]);
  expect(sent.map((one) => [one.type, one.to, one.term, one.index, one.logTerm])).toEqual([
    [Vote, "2", term + 1, 0, 0],
    [Vote, "3", term + 1, 0, 0],
  ]);
  expect(node.raw.status().electionElapsed).toBe(0);
});

describe("A-06: the result of an election", () => {
  const { Leader, Follower, Candidate } = Role;
  test.for([
    [1, {}, Leader],
    [3, { 2: true, 3: true }, Leader],
    [3, { 2: true }, Leader],
    [3, { 2: true, 3: false }, Leader],
    [3, { 2: false, 3: false }, Follower],
    [3, { 2: false }, Candidate],
    [3, {}, Candidate],
    [5, { 2: true, 3: true, 4: true, 5: true }, Leader],
    [5, { 2: true, 3: true, 4: true }, Leader],
    [5, { 2: true, 3: true }, Leader],
    [5, { 2: false, 3: false, 4: false, 5: false }, Follower],
    [5, { 2: false, 3: false, 4: false }, Follower],
    [5, { 2: true, 3: false, 4: false }, Candidate],
    [5, { 2: true }, Candidate],
    [5, {}, Candidate],
  ] as const)("of %i voters with the answers %o is role %i", ([size, answers, role]) => {
    const node = TestCluster.of(size).node("1");
    node.raw.campaign();
    node.drain();

    for (const [from, isGranted] of Object.entries(answers)) {
      node.raw.step(message(VoteResp, { from, to: "1", term: 1, reject: !isGranted }));
    }

    expect(node.raw.role).toBe(role);
  });
});

test("A-07: a voter that answers twice counts once", () => {
  const node = TestCluster.of(5).node("1");
  node.raw.campaign();
  node.drain();

  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 1 }));
  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 1 }));

  expect(node.raw.role).toBe(Role.Candidate);
});

test("A-08: the first answer of a voter stands", () => {
  const node = candidate();

  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 2, reject: true }));
  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 2 }));

  expect(node.raw.role).toBe(Role.Candidate);
});

test.for([
  ["0", false],
  ["2", false],
  ["3", true],
] as const)("A-09: with the vote given to %s, a vote for 2 is refused: %s", ([vote, reject]) => {
  const node = new TestNode({ term: 1, vote });

  node.raw.step(message(Vote, { from: "2", to: "1", term: 1 }));

  expect(node.drain().map((one) => [one.type, one.to, one.reject])).toEqual([[VoteResp, "2", reject]]);
});

test.for([2, 3])("A-10: a candidate of term 2 follows the leader of term %i", (term) => {
  const node = candidate(2);

  node.raw.step(message(App, { from: "3", to: "1", term }));

  expect([node.raw.role, node.raw.lead, node.raw.term]).toEqual([Role.Follower, "3", term]);
});

test("A-11: a candidate follows the heartbeat of its term, and commits what it says", () => {
  const node = new TestNode({ log: [1, 1], term: 1 });
  node.raw.campaign();

  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2, commit: 1 }));

  expect([node.raw.role, node.raw.lead, node.raw.commit]).toEqual([Role.Follower, "2", 1]);
});

test("A-12: the timeout is drawn anew at each reset, from electionTick to 2·electionTick−1", () => {
  const asked: number[] = [];
  const draw = pseudoRandom(1);
  const random = (n: number): number => {
    asked.push(n);
    return draw(n);
  };
  const node = new TestNode({ random });
  const timeouts = new Set<number>();

  for (let term = 1; term <= 200; term++) {
    node.raw.step(message(App, { from: "2", to: "1", term }));
    timeouts.add(node.raw.status().randomizedElectionTimeout);
  }

  expect([...timeouts].toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  expect(asked).toEqual(Array.from({ length: 201 }, () => 10));
});

test("A-13: among five nodes that time out at random, the first is alone more often than not", () => {
  const random = pseudoRandom(7);
  let conflicts = 0;

  for (let election = 0; election < 1_000; election++) {
    const cluster = TestCluster.of(5, { random });
    const timeouts = [...cluster.nodes.values()].map((node) => node.raw.status().randomizedElectionTimeout);
    const first = Math.min(...timeouts);
    if (timeouts.filter((timeout) => timeout === first).length > 1) conflicts++;
  }

  expect(conflicts).toBeLessThan(400);
});

test("A-14: a proposal becomes one entry, goes to each follower, and is not committed yet", () => {
  const node = leader();
  const { lastIndex, commit } = node.raw.status();
  for (const from of ["2", "3"]) {
    node.raw.step(message(AppResp, { from, to: "1", term: 2, index: lastIndex }));
  }
  node.drain();

  const result = node.raw.propose(bytes("x"));

  expect(result).toEqual({ ok: true, forwarded: false, index: lastIndex + 1, term: 2 });
  expect(node.raw.commit).toBe(commit + 1);
  const entry = { ...entryAt(lastIndex + 1, 2, "x") };
  expect(node.drain().map((one) => [one.to, one.index, one.logTerm, one.entries])).toEqual([
    ["2", lastIndex, 2, [entry]],
    ["3", lastIndex, 2, [entry]],
  ]);
  expect(node.raw.commit).toBe(lastIndex);
});

describe("A-16: an entry is committed when a majority has it", () => {
  test.for([
    [1, [], true],
    [3, [], false],
    [3, ["2"], true],
    [3, ["2", "3"], true],
    [5, [], false],
    [5, ["2"], false],
    [5, ["2", "3"], true],
    [5, ["2", "3", "4"], true],
    [5, ["2", "3", "4", "5"], true],
  ] as const)("of %i nodes, besides the leader %o: %s", ([size, acceptors, isCommitted]) => {
    const voters = Array.from({ length: size }, (_, i) => `${i + 1}`);
    const node = new TestNode({ voters }).lead();
    node.drain();

    for (const from of acceptors) node.raw.step(message(AppResp, { from, to: "1", term: 1, index: 1 }));

    expect(node.raw.commit).toBe(isCommitted ? 1 : 0);
  });
});

test.for([[[]], [[2]], [[1, 2]], [[1]]] as const)(
  "A-17: a leader commits the entries %o of older terms together with its own",
  ([log]) => {
    const node = leader({ log, term: 2 });

    node.raw.step(message(AppResp, { from: "2", to: "1", term: 3, index: log.length + 1 }));
    node.drain();

    expect(node.applied.map((entry) => [entry.index, entry.term])).toEqual(
      [...log, 3].map((term, i) => [i + 1, term]),
    );
  },
);

test.for([
  [1, 1, 1],
  [2, 2, 2],
  [2, 1, 1],
  [3, 2, 2],
  [1, 3, 1],
] as const)("A-18: a follower that gets %i entries and commit %i applies %i", ([count, commit, applied]) => {
  const node = follower();
  const entries = Array.from({ length: count }, (_, i) => entryAt(i + 1, 1));

  node.raw.step(message(App, { from: "2", to: "1", term: 1, commit, entries }));
  node.drain();

  expect(node.applied.map((entry) => entry.index)).toEqual([1, 2, 3].slice(0, applied));
});

test.for([
  [0, 0, { index: 1, reject: false, rejectHint: 0, logTerm: 0 }],
  [1, 1, { index: 1, reject: false, rejectHint: 0, logTerm: 0 }],
  [2, 2, { index: 2, reject: false, rejectHint: 0, logTerm: 0 }],
  [1, 2, { index: 1, reject: true, rejectHint: 1, logTerm: 1 }],
  [2, 1, { index: 2, reject: true, rejectHint: 1, logTerm: 1 }],
  [3, 3, { index: 3, reject: true, rejectHint: 2, logTerm: 2 }],
] as const)(
  "A-19: [1,2] with 1 committed answers an append behind (%i, %i) with %o",
  ([index, logTerm, answer]) => {
    const node = new TestNode({ log: [1, 2], term: 2, commit: 1 });

    node.raw.step(message(App, { from: "2", to: "1", term: 2, index, logTerm }));

    const [sent] = node.drain();
    expect(sent).toMatchObject({ type: AppResp, to: "2", ...answer });
  },
);

test.for([
  [2, 2, [3], [1, 2, 3], [3]],
  [1, 1, [3, 4], [1, 3, 4], [3, 4]],
  [0, 0, [1], [1, 2], []],
  [0, 0, [3], [3], [3]],
] as const)(
  "A-20: [1,2] and an append behind (%i, %i) of %o is %o",
  ([index, logTerm, terms, log, unstable]) => {
    const node = new TestNode({ log: [1, 2], term: 2 });
    const entries = terms.map((term, i) => entryAt(index + 1 + i, term));

    node.raw.step(message(App, { from: "2", to: "1", term: 4, index, logTerm, entries }));

    expect(node.terms()).toEqual(log);
    expect(node.raw.ready().entries.map((entry) => entry.term)).toEqual(unstable);
  },
);

test.for([
  [[1, 1, 1, 4, 4, 5, 5, 6, 6]],
  [[1, 1, 1, 4]],
  [[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
  [[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
  [[1, 1, 1, 4, 4, 4, 4]],
  [[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
] as const)("A-21: the follower %o of figure 7 ends equal to the leader", ([log]) => {
  const lead = new TestNode({ id: "1", log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], term: 8 });
  const other = new TestNode({ id: "2", log, term: 7 });
  const cluster = new TestCluster([lead, other]);
  lead.raw.campaign();
  lead.drain();
  lead.raw.step(message(VoteResp, { from: "3", to: "1", term: 9 }));
  cluster.settle();

  cluster.propose("1", "x");

  expect(other.terms()).toEqual([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 9, 9]);
  expect(lead.terms()).toEqual(other.terms());
  expect(other.raw.commit).toBe(12);
});

test.for([
  [1, 1, [1], false],
  [1, 2, [1], false],
  [1, 1, [1, 1], true],
  [2, 1, [1, 1], false],
  [2, 2, [1, 1], false],
  [1, 3, [2], true],
  [1, 1, [2], true],
  [2, 1, [2], false],
] as const)(
  "A-22: a candidate with last (term %i, index %i) is refused by %o: %s",
  ([logTerm, index, log, reject]) => {
    const node = new TestNode({ log, term: 3 });

    node.raw.step(message(Vote, { from: "2", to: "1", term: 4, logTerm, index }));

    expect(ofType(node.drain(), VoteResp).map((one) => one.reject)).toEqual([reject]);
  },
);

test.for([
  [1, 0],
  [2, 0],
  [3, 3],
] as const)("A-23: a leader of term 3 with [1,2] that is acknowledged %i commits %i", ([index, commit]) => {
  const node = leader({ log: [1, 2], term: 2 });

  node.raw.step(message(AppResp, { from: "2", to: "1", term: 3, index }));

  expect(node.raw.commit).toBe(commit);
});

test("A-24: an entry of an older term on a majority is committed only with one of the own term", () => {
  // Figure 8: 1 wrote an entry in term 2, 5 one in term 3, then 1 leads term 4 and replicates the old one.
  const voters = ["1", "2", "3", "4", "5"];
  const node = new TestNode({ voters, log: [1, 2], term: 3, commit: 1 }).lead();
  node.drain();

  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 4, index: 2 }));
  expect(node.raw.commit).toBe(1);

  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 4, index: 3 }));
  expect(node.raw.commit).toBe(3);
});

test("A-25: a vote request names the last entry, also when only a snapshot knows it", () => {
  const storage = new TestStorage(EMPTY_CONF_STATE);
  storage.applySnapshot(snapshotAt(11, 4, ["1", "2"]));
  storage.setHardState({ term: 4, vote: id("0"), commit: 11 });
  const raw = new RawNode({ id: id("1"), storage, random: () => 0, preVote: false });

  raw.campaign();

  expect(raw.ready().messages).toMatchObject([{ type: Vote, to: "2", index: 11, logTerm: 4, term: 5 }]);
});

test("A-26: a leader that gets an answer of a higher term steps down and knows no leader", () => {
  const node = leader();

  node.raw.step(message(AppResp, { from: "2", to: "1", term: 9 }));

  expect([node.raw.role, node.raw.term, node.raw.lead]).toEqual([Role.Follower, 9, "0"]);
});

test("A-27: a follower that knows the leader of its term votes for nobody else", () => {
  const node = follower(1);
  node.raw.step(message(App, { from: "2", to: "1", term: 2 }));
  node.drain();

  node.raw.step(message(Vote, { from: "3", to: "1", term: 2, index: 9, logTerm: 2 }));

  expect(node.drain()).toMatchObject([{ type: VoteResp, to: "3", reject: true }]);
});

test.for([App, Heartbeat, Snap])("A-28: a leader ignores type %i of its own term and reports it", (type) => {
  const violations: unknown[] = [];
  const node = leader({ trace: (event) => event.t === "violation" && violations.push(event) });
  const before = node.raw.status();

  node.raw.step(message(type, { from: "2", to: "1", term: 2, snapshot: snapshotAt(9, 2, ["1"]) }));

  expect(node.raw.status()).toEqual(before);
  expect(violations).toHaveLength(1);
});

test("A-29: a leader refuses a vote in its own term", () => {
  const node = leader();

  node.raw.step(message(Vote, { from: "2", to: "1", term: 2, index: 9, logTerm: 9 }));

  expect(node.drain()).toMatchObject([{ type: VoteResp, to: "2", reject: true }]);
});

test("A-30: after a split vote the one that times out first wins the next term", () => {
  const cluster = TestCluster.of(4);
  cluster.cut.add("1>3").add("1>4").add("2>3").add("2>4");
  for (const one of ["1", "2"]) cluster.node(one).raw.campaign();
  cluster.settle();
  expect([1, 2].map((one) => cluster.node(`${one}`).raw.role)).toEqual([Role.Candidate, Role.Candidate]);

  cluster.heal();
  cluster.node("2").raw.tick(10);
  cluster.settle();

  expect([cluster.node("2").raw.role, cluster.node("2").raw.term]).toEqual([Role.Leader, 2]);
});

describe("A-32: what is committed, by match indexes, log and term", () => {
  test.for([
    [[1], [1], 1, 1],
    [[1], [1], 2, 0],
    [[2], [1, 2], 2, 2],
    [[1], [2], 2, 1],
    [[2, 1, 1], [1, 2], 1, 1],
    [[2, 1, 1], [1, 1], 2, 0],
    [[2, 1, 2], [1, 2], 2, 2],
    [[2, 1, 2], [1, 1], 2, 0],
    [[2, 1, 1, 1], [1, 2], 1, 1],
    [[2, 1, 1, 2], [1, 2], 2, 0],
    [[2, 1, 2, 2], [1, 2], 2, 2],
    [[2, 1, 2, 2], [1, 1], 2, 0],
  ] as const)("%o on %o in term %i is %i", ([matches, log, term, commit]) => {
    const storage = new TestStorage({ ...EMPTY_CONF_STATE, voters: matches.map((_, i) => id(`${i + 1}`)) });
    storage.append(entriesOf(log));
    const raft = new Raft(resolveOptions({ id: id("1"), storage, random: () => 0 }));
    raft.term = term;
    for (const [i, progress] of raft.tracker.progresses.entries()) progress.match = matches[i] ?? 0;

    raft.maybeCommit();

    expect(raft.log.committed).toBe(commit);
  });
});

test("A-33: followers commit what a crashed leader sent before its own disk had it", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const lead = cluster.node("1");
  lead.raw.propose(bytes("x"));
  // The Ready is taken and sent, and the node dies before it persists anything.
  const lost = lead.raw.ready();
  for (const one of lost.messages) cluster.nodes.get(one.to)?.raw.step(one);
  cluster.isolate("1");
  cluster.settle();

  cluster.campaign("2");
  const restarted = new TestNode({
    id: "1",
    log: [1],
    term: 1,
    vote: "1",
    commit: 1,
  });
  cluster.nodes.set(id("1"), restarted);
  cluster.heal();
  cluster.node("2").raw.tick();
  cluster.settle();
  cluster.propose("2", "y");

  expect(restarted.applied.map((entry) => entry.data)).toEqual([bytes("1"), bytes("x"), null, bytes("y")]);
});

test("A-34: the uncommitted tail of an old leader is replaced and never applied", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.isolate("1");
  cluster.propose("1", "lost");
  cluster.campaign("2");
  cluster.propose("2", "kept");

  cluster.heal();
  cluster.node("2").raw.tick();
  cluster.settle();

  const texts = cluster.node("1").applied.map((entry) => entry.data);
  expect(texts).toEqual([null, null, bytes("kept")]);
  expect(cluster.node("1").terms()).toEqual([1, 2, 2]);
});

test("A-35: a candidate drops proposals", () => {
  const node = candidate();

  expect(node.raw.propose(bytes("x"))).toEqual({ ok: false, code: "E_PROPOSAL_DROPPED", lead: "0" });
  expect(node.raw.status().lastIndex).toBe(0);
});

test("A-36: a follower forwards a proposal to the leader, which appends it", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const node = cluster.node("2");

  expect(node.raw.propose(bytes("x"))).toEqual({ ok: true, forwarded: true });

  const [forwarded] = node.drain();
  expect(forwarded).toMatchObject({ type: Prop, to: "1", from: "2", term: 0 });
  cluster.node("1").raw.step(forwarded!);
  expect(cluster.node("1").raw.status().lastIndex).toBe(2);
});

test("A-37: a follower without a leader drops proposals", () => {
  expect(follower().raw.propose(bytes("x"))).toEqual({ ok: false, code: "E_PROPOSAL_DROPPED", lead: "0" });
});

test("A-38: with forwarding disabled a follower drops proposals", () => {
  const node = new TestNode({ disableProposalForwarding: true, term: 1 });
  node.raw.step(message(App, { from: "2", to: "1", term: 1 }));
  node.drain();

  expect(node.raw.propose(bytes("x"))).toMatchObject({ ok: false, lead: "2" });
  expect(node.drain()).toEqual([]);
});

test("A-39: a former leader forwards a proposal once more, in the name of its proposer", () => {
  const node = leader();
  node.raw.step(message(App, { from: "2", to: "1", term: 5 }));
  node.drain();

  node.raw.step(message(Prop, { from: "3", to: "1", entries: [entryAt(0, 0, "x")] }));

  expect(node.drain()).toMatchObject([{ type: Prop, from: "3", to: "2", term: 0 }]);
});

test("A-40: a proposal without entries is an error of the caller, empty data is a no-op", () => {
  const node = leader();

  expect(() => node.raw.proposeBatch([])).toThrow("at least one entry");
  expect(node.raw.propose(new Uint8Array(0)).ok).toBe(true);

  expect(node.raw.entries(2, 3)).toEqual([entryAt(2, 2)]);
});
