// Elections, pre-votes, leases and disruption: group D of raft-tests.md.

import { describe, expect, test } from "vitest";
import { MessageType } from "./message.ts";
import { EMPTY_CONF_STATE, EntryType, Role, type Entry } from "./types.ts";
import { encodeConfChange, encodeConfChangeV2 } from "./codec/index.ts";
import {
  entriesOf,
  entryAt,
  id,
  message,
  pseudoRandom,
  snapshotAt,
  TestCluster,
  TestNode,
  TestStorage,
  type NodeSetup,
} from "./cluster.test.support.ts";

const { App, AppResp, Heartbeat, PreVote, PreVoteResp, Vote, VoteResp, TimeoutNow } = MessageType;

function leaders(cluster: TestCluster): string[] {
  return [...cluster.nodes.values()].filter((node) => node.raw.role === Role.Leader).map((node) => node.id);
}

/** Ticks all nodes together until there is a leader, at most ten election timeouts; returns it. */
function awaitLeader(cluster: TestCluster, ticks = 100): string {
  for (let tick = 0; tick < ticks; tick++) {
    for (const node of cluster.nodes.values()) if (!cluster.isDown(node.id)) node.raw.tick();
    cluster.settle();
    const [leader] = leaders(cluster).filter((one) => !cluster.isDown(id(one)));
    if (leader !== undefined) return leader;
  }
  return "nobody";
}

function campaign(node: TestNode): TestNode {
  node.raw.campaign();
  return node;
}

function preCandidate(setup: NodeSetup = {}): TestNode {
  const node = new TestNode({ preVote: true, term: 1, ...setup });
  node.raw.campaign();
  node.drain();
  return node;
}

function learner(): TestNode {
  const node = new TestNode({ voters: ["2", "3"], learners: ["1"], term: 1 });
  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
  node.drain();
  return node;
}

describe.for([false, true])("with preVote %s", (preVote) => {
  test("D-01: each node that campaigns becomes leader in turn, and the logs end equal", () => {
    const cluster = TestCluster.of(3, { preVote });

    for (const one of ["1", "2", "3", "1"]) {
      cluster.campaign(one);
      expect(cluster.node(one).raw.role).toBe(Role.Leader);
      cluster.node(one).raw.tick();
      cluster.settle();
    }

    const logs = [...cluster.nodes.values()].map((node) => node.terms());
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
  });

  test("D-02: a node with a stale log loses, one with a better log wins afterwards", () => {
    const setup = { voters: ["1", "2", "3"], preVote, term: 1 };
    const cluster = new TestCluster([
      new TestNode({ ...setup, id: "1", log: [1] }),
      new TestNode({ ...setup, id: "2", log: [1, 1] }),
      new TestNode({ ...setup, id: "3", log: [1, 1] }),
    ]);

    cluster.campaign("1");
    expect(leaders(cluster)).toEqual([]);

    cluster.campaign("2");
    expect(leaders(cluster)).toEqual(["2"]);
  });

  test("D-26: a single node becomes leader alone and never steps down", () => {
    const node = new TestNode({ voters: ["1"], preVote, checkQuorum: true });

    node.raw.tick(10);
    node.drain();
    node.raw.tick(100);
    node.drain();

    expect(node.raw.role).toBe(Role.Leader);
  });
});

test("D-03: an election overwrites newer entries that were not committed", () => {
  const setup = { voters: ["1", "2", "3", "4", "5"] };
  const cluster = new TestCluster([
    new TestNode({ ...setup, id: "1", log: [1], term: 1 }),
    new TestNode({ ...setup, id: "2", log: [1], term: 1 }),
    new TestNode({ ...setup, id: "3", log: [2], term: 2 }),
    new TestNode({ ...setup, id: "4", term: 2, vote: "3" }),
    new TestNode({ ...setup, id: "5", term: 2, vote: "3" }),
  ]);

  cluster.campaign("1");
  expect([cluster.node("1").raw.role, cluster.node("1").raw.term]).toEqual([Role.Follower, 2]);
  cluster.campaign("1");

  expect(leaders(cluster)).toEqual(["1"]);
  for (const node of cluster.nodes.values()) expect(node.terms()).toEqual([1, 3]);
});

describe("D-04: a vote of a higher term is granted in any role", () => {
  test.for([
    ["follower", (node: TestNode) => node],
    ["pre-candidate", (node: TestNode) => campaign(node)],
    ["candidate", (node: TestNode) => campaign(node)],
    ["leader", (node: TestNode) => node.lead()],
  ] as const)("%s", ([role, prepare]) => {
    const node = prepare(new TestNode({ preVote: role === "pre-candidate", term: 1 }));
    node.drain();

    node.raw.step(message(Vote, { from: "2", to: "1", term: 9, index: 9, logTerm: 8 }));

    expect([node.raw.role, node.raw.term, node.raw.status().vote]).toEqual([Role.Follower, 9, "2"]);
    expect(node.drain()).toMatchObject([{ type: VoteResp, to: "2", reject: false, term: 9 }]);
  });
});

test.for([
  [5, 10, false],
  [10, 10, true],
  [12, 13, false],
  [13, 13, true],
  [20, 19, true],
] as const)(
  "D-05: after %i ticks with a timeout of %i a node campaigns: %s",
  ([ticks, timeout, campaigns]) => {
    const node = new TestNode();
    node.raw.setRandomizedElectionTimeout(timeout);

    node.raw.tick(ticks);

    expect(node.raw.role === Role.Candidate).toBe(campaigns);
  },
);

test("D-06: a candidate whose election timeout passes campaigns anew in the next term", () => {
  const node = new TestNode();
  node.raw.tick(10);
  node.drain();
  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 1, reject: true }));

  node.raw.tick(10);

  expect(node.raw.term).toBe(2);
  expect(node.raw.status().votes).toEqual({});
  expect(node.drain().map((one) => [one.type, one.term])).toEqual([
    [Vote, 2],
    [Vote, 2],
  ]);
});

test("D-07: votes of an older term, and votes for one who is no candidate, count nothing", () => {
  const node = new TestNode({ term: 4 });
  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 4 }));
  expect(node.raw.role).toBe(Role.Follower);
  node.raw.campaign();
  node.drain();

  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 4 }));
  expect(node.raw.role).toBe(Role.Candidate);

  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 5 }));
  node.raw.step(message(VoteResp, { from: "3", to: "1", term: 5, reject: true }));
  expect(node.raw.role).toBe(Role.Leader);
});

test("D-08: a vote survives a restart", () => {
  const node = new TestNode({ term: 4 });
  node.raw.step(message(Vote, { from: "2", to: "1", term: 5 }));
  node.drain();
  const { hardState } = node.storage.initialState();

  const restarted = new TestNode({ term: hardState.term, vote: hardState.vote });
  restarted.raw.step(message(Vote, { from: "3", to: "1", term: 5 }));

  expect(restarted.drain()).toMatchObject([{ type: VoteResp, to: "3", reject: true }]);
});

describe("checkQuorum", () => {
  test.for([
    [["1", "2", "3"], [], false],
    [["1", "2", "3"], ["2"], true],
    [["1", "2", "3", "4", "5"], ["2"], false],
    [["1", "2", "3", "4", "5"], ["2", "3"], true],
  ] as const)("D-09, D-10: a leader of %o that hears of %o stays: %s", ([voters, heard, stays]) => {
    const node = new TestNode({ voters, checkQuorum: true }).lead();
    for (const from of heard) node.raw.step(message(AppResp, { from, to: "1", term: 1, index: 1 }));

    node.raw.tick(10);

    expect([node.raw.role, node.raw.term]).toEqual([stays ? Role.Leader : Role.Follower, 1]);
    expect(node.raw.lead).toBe(stays ? "1" : "0");
  });

  test("D-11: a follower in touch with its leader ignores a vote, and grants it when the lease is over", () => {
    const node = new TestNode({ checkQuorum: true, term: 1 });
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
    node.raw.setRandomizedElectionTimeout(19);
    node.drain();
    const vote = message(Vote, { from: "3", to: "1", term: 2 });

    node.raw.tick(9);
    node.raw.step(vote);
    expect([node.drain(), node.raw.term]).toEqual([[], 1]);

    node.raw.tick(1);
    node.raw.step(vote);
    expect(node.drain()).toMatchObject([{ type: VoteResp, reject: false, term: 2 }]);
  });

  test("D-12: a leader in touch with its quorum ignores a vote of a higher term", () => {
    const node = new TestNode({ checkQuorum: true }).lead();
    node.drain();

    node.raw.step(message(Vote, { from: "2", to: "1", term: 5 }));

    expect([node.raw.role, node.raw.term, node.drain()]).toEqual([Role.Leader, 1, []]);
  });

  test("D-13: a candidate that is stuck at a higher term is freed by its answer to the leader", () => {
    const cluster = TestCluster.of(3, { checkQuorum: true });
    cluster.campaign("1");
    cluster.isolate("3");
    cluster.node("3").raw.tick(20);
    cluster.settle();
    expect(cluster.node("3").raw.term).toBeGreaterThan(1);

    cluster.heal();
    cluster.node("1").raw.tick();
    cluster.settle();
    expect(cluster.node("1").raw.role).toBe(Role.Follower);
    const leader = awaitLeader(cluster);

    cluster.node(leader).raw.tick();
    cluster.settle();
    expect([...cluster.nodes.values()].map((node) => node.raw.lead)).toEqual([leader, leader, leader]);
  });

  test("D-27: of two nodes with one dead the other never leads, and does when it is back", () => {
    const cluster = TestCluster.of(2, { checkQuorum: true });
    cluster.isolate("2");
    cluster.node("1").raw.tick(100);
    cluster.settle();
    expect(leaders(cluster)).toEqual([]);

    cluster.heal();

    expect(awaitLeader(cluster, 40)).not.toBe("nobody");
  });
});

test("D-14, J-40: a node outside of its own configuration follows and never campaigns", () => {
  const node = new TestNode({ id: "4", voters: ["1", "2", "3"], checkQuorum: true });
  node.raw.step(message(App, { from: "1", to: "4", term: 1, entries: [entryAt(1, 1)], commit: 1 }));
  node.drain();

  node.raw.tick(100);
  node.raw.campaign();

  expect([node.raw.role, node.raw.lead, node.raw.term]).toEqual([Role.Follower, "1", 1]);
});

test.for([
  [false, 1],
  [true, 0],
] as const)("D-15, D-16: with preVote %s a node that returns causes %i elections", ([preVote, elections]) => {
  const cluster = TestCluster.of(3, { checkQuorum: true, preVote });
  cluster.campaign("1");
  const before = cluster.node("1").raw.term;
  cluster.isolate("3");
  for (let i = 0; i < 10; i++) {
    cluster.node("3").raw.tick(20);
    cluster.settle();
  }
  if (preVote) expect(cluster.node("3").raw.term).toBe(before);
  const raised = cluster.node("3").raw.term;
  for (const one of ["1", "2"]) cluster.node(one).raw.tick();

  cluster.heal();
  cluster.node("1").raw.tick();
  cluster.settle();
  const leader = awaitLeader(cluster);
  cluster.node(leader).raw.tick();
  cluster.settle();

  expect(cluster.node("3").raw.lead).toBe(leader);
  expect(cluster.node(leader).raw.term).toBe(raised + elections);
});

describe("preVote", () => {
  test("D-17: a pre-election that is won leads to the real one, one that is lost changes no term", () => {
    const winner = preCandidate();
    winner.raw.step(message(PreVoteResp, { from: "2", to: "1", term: 2 }));
    expect([winner.raw.role, winner.raw.term]).toEqual([Role.Candidate, 2]);
    expect(winner.drain().map((one) => [one.type, one.term])).toEqual([
      [Vote, 2],
      [Vote, 2],
    ]);

    const loser = preCandidate();
    for (const from of ["2", "3"]) {
      loser.raw.step(message(PreVoteResp, { from, to: "1", term: 1, reject: true }));
    }
    expect([loser.raw.role, loser.raw.term]).toEqual([Role.Follower, 1]);
  });

  test("D-18, D-19: a voter grants pre-votes to several candidates, and nothing of its own changes", () => {
    const node = new TestNode({ preVote: true, term: 1, vote: "2" });
    node.raw.tick(3);
    const before = node.raw.status();

    for (const from of ["2", "3"]) node.raw.step(message(PreVote, { from, to: "1", term: 2 }));

    expect(node.drain().map((one) => [one.to, one.type, one.term, one.reject])).toEqual([
      ["2", PreVoteResp, 2, false],
      ["3", PreVoteResp, 2, false],
    ]);
    expect(node.raw.status()).toEqual(before);
  });

  test("D-20: a refusal of a higher term makes a pre-candidate follower of that term", () => {
    const node = preCandidate();

    node.raw.step(message(PreVoteResp, { from: "2", to: "1", term: 7, reject: true }));

    expect([node.raw.role, node.raw.term]).toEqual([Role.Follower, 7]);
  });

  test("D-21: a pre-vote of an older term is refused with the own term", () => {
    const node = new TestNode({ preVote: true, term: 5 });

    node.raw.step(message(PreVote, { from: "2", to: "1", term: 3, index: 9, logTerm: 3 }));

    expect(node.drain()).toMatchObject([{ type: PreVoteResp, to: "2", term: 5, reject: true }]);
  });

  test("D-22, J-08: a node without it and a higher term, and one with it and a longer log, elect a leader", () => {
    const voters = ["1", "2", "3"];
    const random = pseudoRandom(3);
    const cluster = new TestCluster([
      new TestNode({ id: "1", voters, random, term: 9, log: [1] }),
      new TestNode({ id: "2", voters, random, term: 2, log: [1, 2, 2], preVote: true, checkQuorum: true }),
      new TestNode({ id: "3", voters, random, term: 1, log: [1] }),
    ]);
    cluster.isolate("3");

    expect(awaitLeader(cluster)).toBe("2");
  });

  test.for([
    ["1", "2", "3"],
    ["1", "3", "2"],
    ["2", "1", "3"],
    ["2", "3", "1"],
    ["3", "1", "2"],
    ["3", "2", "1"],
  ])("D-22: nodes restarted with it in the order %s %s %s always elect a leader", (order) => {
    const random = pseudoRandom(5);
    const cluster = TestCluster.of(3, { random });
    cluster.campaign("1");
    const voters = ["1", "2", "3"];

    for (const one of order) {
      cluster.isolate(one);
      awaitLeader(cluster);
      const { storage } = cluster.node(one);
      const setup = { id: one, voters, random, preVote: true, checkQuorum: true };
      cluster.nodes.set(id(one), new TestNode({ ...setup, restartFrom: storage }));
      cluster.heal();

      expect(awaitLeader(cluster)).not.toBe("nobody");
    }

    cluster.propose(awaitLeader(cluster), "done");
    const logs = [...cluster.nodes.values()].map((node) => node.terms());
    expect(logs[1]).toEqual(logs[0]);
    expect(logs[2]).toEqual(logs[0]);
  });

  test("D-22: a node that returns at term 1 when the leader of term 5 has just died gets a leader", () => {
    const random = pseudoRandom(9);
    const voters = ["1", "2", "3"];
    const setup = { voters, random, preVote: true, checkQuorum: true };
    const cluster = new TestCluster([
      new TestNode({ ...setup, id: "1", term: 1, log: [1] }),
      new TestNode({ ...setup, id: "2", term: 5, log: [1, 5, 5] }),
      new TestNode({ ...setup, id: "3", term: 5, log: [1, 5, 5] }),
    ]);
    cluster.isolate("3");

    expect(awaitLeader(cluster)).toBe("2");
  });

  test.for(["nobody", "1", "3", "4", "6"])(
    "D-22(d): six voters in a joint configuration, some with longer logs and others with higher terms, elect a leader with %s down",
    (down) => {
      const ids = ["1", "2", "3", "4", "5", "6"];
      const entries = entriesOf([1, 1, 1]);
      const modern = { preVote: true, checkQuorum: true, stepDownOnRemoval: true };
      const cluster = new TestCluster(
        ids.map((one) => {
          // 3 and 6 missed the last entry and have campaigned in vain since.
          const isAhead = one === "3" || one === "6";
          const storage = new TestStorage({
            ...EMPTY_CONF_STATE,
            voters: ["4", "5", "6"].map(id),
            votersOutgoing: ["1", "2", "3"].map(id),
            autoLeave: true,
          });
          storage.append(isAhead ? entries.slice(0, 2) : entries);
          storage.setHardState({ term: isAhead ? 7 : 2, vote: id("0"), commit: 2 });
          const random = pseudoRandom(Number(one));
          return new TestNode({ id: one, restartFrom: storage, random, ...modern });
        }),
      );
      if (down !== "nobody") cluster.isolate(down);

      const leader = awaitLeader(cluster);
      cluster.heal();
      for (let tick = 0; tick < 80; tick++) {
        for (const node of cluster.nodes.values()) node.raw.tick();
        cluster.settle();
      }

      expect(leader).not.toBe("nobody");
      // The leader of the joint configuration leaves it, and the new voters have one leader and one log.
      const voters = ["4", "5", "6"].map((one) => cluster.node(one));
      expect(voters.map((node) => node.raw.confState)).toMatchObject(
        voters.map(() => ({ voters: ["4", "5", "6"], votersOutgoing: [] })),
      );
      expect(leaders(cluster).filter((one) => Number(one) > 3)).toHaveLength(1);
      expect(voters.map((node) => node.terms())).toEqual(voters.map(() => voters[0]!.terms()));
    },
  );

  test("D-23: answers to the other kind of election are ignored", () => {
    const pre = preCandidate();
    pre.raw.step(message(VoteResp, { from: "2", to: "1", term: 1 }));
    expect(pre.raw.role).toBe(Role.PreCandidate);

    const candidate = new TestNode({ term: 1 });
    candidate.raw.campaign();
    candidate.drain();
    candidate.raw.step(message(PreVoteResp, { from: "2", to: "1", term: 2 }));
    expect(candidate.raw.role).toBe(Role.Candidate);
  });

  test.for([App, Heartbeat])("D-24: a pre-candidate follows the sender of type %i of its term", (type) => {
    const node = preCandidate();

    node.raw.step(message(type, { from: "2", to: "1", term: 1 }));

    expect([node.raw.role, node.raw.lead]).toEqual([Role.Follower, "2"]);
  });

  test.for([App, Heartbeat])("D-25: type %i of an older leader is answered with the own term", (type) => {
    const node = new TestNode({ preVote: true, term: 5 });

    node.raw.step(message(type, { from: "2", to: "1", term: 3, index: 4, logTerm: 3 }));

    expect(node.drain()).toMatchObject([{ type: AppResp, to: "2", term: 5, index: 0, reject: false }]);
  });

  test("D-33: a follower that forgot its leader grants pre-votes at once, until the next heartbeat", () => {
    const node = new TestNode({ preVote: true, checkQuorum: true, term: 1 });
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
    node.raw.forgetLeader();
    node.drain();
    expect([node.raw.lead, node.raw.term]).toEqual(["0", 1]);

    node.raw.step(message(PreVote, { from: "3", to: "1", term: 2 }));
    expect(node.drain()).toMatchObject([{ type: PreVoteResp, reject: false }]);

    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
    expect(node.raw.lead).toBe("2");
  });

  test("D-33: a leader, and a follower with reads by lease, forget nothing", () => {
    const leader = new TestNode().lead();
    leader.raw.forgetLeader();
    expect(leader.raw.lead).toBe("1");

    const reader = new TestNode({ readOnly: "lease", checkQuorum: true, term: 1 });
    reader.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
    reader.raw.forgetLeader();
    expect(reader.raw.lead).toBe("2");
  });

  test("D-34: when a quorum has forgotten the leader one of it wins at once", () => {
    const cluster = TestCluster.of(3, { preVote: true, checkQuorum: true });
    cluster.campaign("1");
    cluster.isolate("1");
    for (const one of ["2", "3"]) cluster.node(one).raw.forgetLeader();

    cluster.campaign("2");

    expect(cluster.node("2").raw.role).toBe(Role.Leader);
  });
});

describe("D-28, J-41: a node with a committed change of membership that is not applied does not campaign", () => {
  const change = { id: "0", type: 0, nodeId: id("4"), context: null } as const;
  test.for([
    [EntryType.ConfChange, encodeConfChange(change)],
    [EntryType.ConfChangeV2, encodeConfChangeV2({ transition: 0, changes: [change], context: null })],
  ] as const)("of entry type %i", ([type, data]) => {
    const node = new TestNode({ term: 1 });
    const entries = [entryAt(1, 1), { term: 1, index: 2, type, data }];
    node.raw.step(message(App, { from: "2", to: "1", term: 1, entries, commit: 2 }));

    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Follower);

    node.drain();
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Candidate);
  });
});

/** A restarted node with these entries to apply, and the ranges that its campaign reads. */
function reading(entries: readonly Entry[], failAt = 0): { node: TestNode; reads: number[] } {
  const reads: number[] = [];
  const storage = new TestStorage({ ...EMPTY_CONF_STATE, voters: ["1", "2", "3"].map(id) });
  storage.append(entries);
  storage.setHardState({ term: 1, vote: id("0"), commit: entries.length });
  const node = new TestNode({
    restartFrom: storage,
    wrap: (inner) => ({
      initialState: () => inner.initialState(),
      firstIndex: () => inner.firstIndex(),
      lastIndex: () => inner.lastIndex(),
      term: (index) => inner.term(index),
      snapshot: () => inner.snapshot(),
      entries: (lo, hi, maxSizeBytes) => {
        reads.push(lo);
        if (lo === failAt) throw new Error("bad sector");
        return inner.entries(lo, hi, maxSizeBytes);
      },
    }),
  });
  return { node, reads };
}

describe("B-15: the committed entries ahead of a campaign", () => {
  const PAGE = 1024 * 1024;
  const large = (index: number): Entry => ({
    term: 1,
    index,
    type: EntryType.Normal,
    data: new Uint8Array(PAGE),
  });
  const change = { id: "0", type: 0, nodeId: id("4"), context: null } as const;
  const changeAt = (index: number): Entry => {
    return { term: 1, index, type: EntryType.ConfChange, data: encodeConfChange(change) };
  };

  test.for([
    ["small ones are one page", [entryAt(1, 1), entryAt(2, 1), entryAt(3, 1)], [1]],
    ["large ones are a page each", [large(1), large(2), large(3)], [1, 2, 3]],
    ["a page ends before the entry that is too much", [entryAt(1, 1), large(2), entryAt(3, 1)], [1, 2, 3]],
  ] as const)("are looked through page by page, each once: %s", ([, entries, pages]) => {
    const { node, reads } = reading(entries);

    node.raw.campaign();

    expect([reads, node.raw.role]).toEqual([pages, Role.Candidate]);
  });

  test("are looked through no further than the first change of membership", () => {
    const { node, reads } = reading([large(1), changeAt(2), large(3), large(4)]);

    node.raw.campaign();

    expect([reads, node.raw.role]).toEqual([[1, 2], Role.Follower]);
  });

  test("that cannot be read make the node fail", () => {
    const { node } = reading([large(1), large(2)], 2);

    expect(() => node.raw.campaign()).toThrow(expect.objectContaining({ code: "E_FATAL" }));
    expect(node.raw.failure?.cause).toMatchObject({ message: "bad sector" });
  });
});

describe("D-29, J-12, J-16: a learner", () => {
  test("never campaigns and keeps its leader", () => {
    const node = learner();

    node.raw.tick(100);
    node.raw.campaign();
    node.raw.step(message(TimeoutNow, { from: "2", to: "1", term: 1 }));

    expect([node.raw.role, node.raw.lead, node.raw.term]).toEqual([Role.Follower, "2", 1]);
  });

  test("D-30: votes when it is asked, as it may have been promoted without knowing", () => {
    const node = learner();

    node.raw.step(message(Vote, { from: "3", to: "1", term: 2, index: 9, logTerm: 1 }));

    expect(node.drain()).toMatchObject([{ type: VoteResp, reject: false }]);
  });
});

test("D-31: a removed node that campaigns cannot win", () => {
  const cluster = TestCluster.of(3, { random: pseudoRandom(3) });
  cluster.campaign("1");
  cluster.isolate("3");
  cluster.node("1").raw.proposeConfChange({ id: "0", type: 1, nodeId: id("3"), context: null });
  cluster.settle();
  cluster.heal();

  for (let round = 0; round < 3; round++) {
    cluster.node("3").raw.tick(20);
    cluster.settle();
  }

  expect(cluster.node("3").raw.role).not.toBe(Role.Leader);
  expect(["1", "2"]).toContain(awaitLeader(cluster));
});

test("D-32: a node does not campaign before a snapshot it received is installed", () => {
  const node = new TestNode();
  node.raw.step(
    message(MessageType.Snap, { from: "2", to: "1", term: 1, snapshot: snapshotAt(9, 1, ["1", "2"]) }),
  );

  node.raw.campaign();
  expect(node.raw.role).toBe(Role.Follower);

  node.drain();
  node.raw.campaign();
  expect(node.raw.role).toBe(Role.Candidate);
});

test("D-35: a node whose clock is three times as fast disturbs nobody", () => {
  const cluster = TestCluster.of(3, { preVote: true, checkQuorum: true });
  cluster.campaign("1");
  const { term } = cluster.node("1").raw;

  for (let tick = 0; tick < 200; tick++) {
    for (const node of cluster.nodes.values()) node.raw.tick(node.id === "3" ? 3 : 1);
    cluster.settle();
  }

  expect([leaders(cluster), cluster.node("1").raw.term]).toEqual([["1"], term]);
});

test("D-36, D-37: refusing a vote leaves the own timeout alone, granting one starts it anew", () => {
  const node = new TestNode({ term: 1, log: [1, 1] });
  node.raw.tick(5);
  for (let i = 0; i < 3; i++)
    node.raw.step(message(Vote, { from: "2", to: "1", term: 1, index: 1, logTerm: 1 }));
  expect(node.raw.status().electionElapsed).toBe(5);

  node.raw.step(message(Vote, { from: "3", to: "1", term: 1, index: 2, logTerm: 1 }));
  expect(node.raw.status().electionElapsed).toBe(0);
});

test("D-38: heartbeats start the timeout anew and do not draw another one", () => {
  let draws = 0;
  const node = new TestNode({ random: (n) => draws++ % n, term: 1 });
  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
  const before = draws;

  node.raw.tick(3);
  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));

  expect([draws, node.raw.status().electionElapsed]).toEqual([before, 0]);
});

test("J-03: an answer of a higher term makes nobody leader", () => {
  const node = new TestNode({ term: 1 });

  node.raw.step(message(AppResp, { from: "2", to: "1", term: 5 }));

  expect([node.raw.term, node.raw.lead]).toEqual([5, "0"]);
});

test("J-02: a candidate that follows in its own term keeps its vote", () => {
  const node = new TestNode({ term: 1 });
  node.raw.campaign();
  node.drain();
  node.raw.step(message(VoteResp, { from: "2", to: "1", term: 2, reject: true }));
  node.raw.step(message(VoteResp, { from: "3", to: "1", term: 2, reject: true }));
  expect(node.raw.role).toBe(Role.Follower);

  node.raw.step(message(Vote, { from: "3", to: "1", term: 2, index: 9, logTerm: 2 }));

  expect(node.drain()).toMatchObject([{ type: VoteResp, reject: true }]);
});

test("J-45: ids that are equal as doubles are different voters", () => {
  const voters = ["1", "8000000000000000", "8000000000000001", "8000000000000002", "8000000000000003"];
  const node = new TestNode({ voters });
  node.raw.campaign();
  node.drain();

  node.raw.step(message(VoteResp, { from: "8000000000000000", to: "1", term: 1 }));
  expect(node.raw.role).toBe(Role.Candidate);

  node.raw.step(message(VoteResp, { from: "8000000000000001", to: "1", term: 1 }));
  expect(node.raw.role).toBe(Role.Leader);

  node.drain();
  node.raw.step(message(AppResp, { from: "8000000000000001", to: "1", term: 1, index: 1 }));
  expect(node.raw.commit).toBe(0);
  node.raw.step(message(AppResp, { from: "8000000000000002", to: "1", term: 1, index: 1 }));
  expect(node.raw.commit).toBe(1);
});
