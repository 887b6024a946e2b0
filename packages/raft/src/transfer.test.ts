// Leader transfer: group H of raft-tests.md.

import { expect, test } from "vitest";
import { MessageType } from "./message.ts";
import {
  bytes,
  entryAt,
  id,
  message,
  TestCluster,
  TestNode,
  type NodeSetup,
} from "./cluster.test.support.ts";
import { NONE, Role } from "./types.ts";

const { App, AppResp, Heartbeat, TimeoutNow, TransferLeader, Vote } = MessageType;

function leader(setup: NodeSetup = {}): TestNode {
  const node = new TestNode(setup).lead();
  node.drain();
  acknowledge(node, "2");
  acknowledge(node, "3");
  node.drain();
  return node;
}

function acknowledge(node: TestNode, from: string): void {
  const { term, lastIndex: index } = node.raw.status();
  node.raw.step(message(AppResp, { from, to: "1", term, index }));
}

test("H-01: to a follower with the whole log it is done in one round", () => {
  const cluster = TestCluster.of(3, { preVote: true, checkQuorum: true });
  cluster.campaign("1");

  cluster.node("1").raw.transferLeader(id("2"));
  cluster.settle();

  expect(cluster.node("2").raw.role).toBe(Role.Leader);
  expect([cluster.node("1").raw.lead, cluster.node("1").raw.term]).toEqual(["2", 2]);
});

test("H-02: a follower that lacks entries gets them first", () => {
  const node = leader();
  node.raw.propose(bytes("x"));
  node.drain();

  node.raw.transferLeader(id("2"));
  expect(node.drain().map((one) => one.type)).not.toContain(TimeoutNow);

  acknowledge(node, "2");
  expect(
    node
      .drain()
      .filter((one) => one.type === TimeoutNow)
      .map((one) => one.to),
  ).toEqual(["2"]);
});

test("H-03: a follower that needs a snapshot gets it first", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.isolate("3");
  for (let i = 0; i < 5; i++) cluster.propose("1", `${i}`);
  const lead = cluster.node("1");
  lead.storage.createSnapshot(lead.raw.applied, lead.raw.confState, null);
  lead.storage.compact(lead.raw.applied);
  cluster.heal();

  lead.raw.transferLeader(id("3"));
  lead.raw.tick();
  cluster.settle();

  expect(cluster.node("3").storage.snapshot().meta.index).toBe(6);
  expect(cluster.node("3").raw.role).toBe(Role.Leader);
});

test.for([
  ["H-04: itself", "1"],
  ["H-05: a stranger", "9"],
  ["H-06, J-12: a learner", "4"],
] as const)("%s is no target", ([, target]) => {
  const node = leader({ learners: ["4"] });

  node.raw.transferLeader(id(target));

  expect([node.raw.status().transferee, node.drain()]).toEqual([NONE, []]);
  expect(node.raw.propose(bytes("x")).ok).toBe(true);
});

test("H-07: a follower asks its leader to transfer", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");

  cluster.node("3").raw.transferLeader(id("2"));
  const sent = cluster.node("3").drain();
  expect(sent).toMatchObject([{ type: TransferLeader, to: "1", from: "2" }]);
  cluster.node("1").raw.step(sent[0]!);
  cluster.settle();

  expect(cluster.node("2").raw.role).toBe(Role.Leader);
});

test("H-08, H-09, H-11, J-14: proposals are dropped for one election timeout, which asking again does not extend", () => {
  const node = leader();
  node.raw.transferLeader(id("2"));
  node.raw.tick(5);
  expect(node.raw.propose(bytes("x")).ok).toBe(false);
  const change = { id: "0", type: 0, nodeId: id("4"), context: null } as const;
  expect(node.raw.proposeConfChange(change).ok).toBe(false);

  node.raw.transferLeader(id("2"));
  node.raw.tick(5);

  expect(node.raw.status().transferee).toBe(NONE);
  expect(node.raw.propose(bytes("x")).ok).toBe(true);
});

test("H-10: another target replaces the first", () => {
  const node = leader();
  node.raw.transferLeader(id("2"));
  node.drain();

  node.raw.transferLeader(id("3"));

  expect(node.raw.status().transferee).toBe("3");
  expect(node.drain()).toMatchObject([{ type: TimeoutNow, to: "3" }]);
});

test.for([
  ["H-12: removed", 1],
  ["H-13: demoted", 3],
] as const)("%s, a target is given up", ([, type]) => {
  const node = leader();
  node.raw.transferLeader(id("2"));

  node.raw.applyConfChange({ id: "0", type, nodeId: id("2"), context: null });

  expect(node.raw.status().transferee).toBe(NONE);
});

test("H-14: a leader that sees a higher term gives up leadership and transfer", () => {
  const node = leader();
  node.raw.transferLeader(id("2"));

  node.raw.step(message(Vote, { from: "3", to: "1", term: 5, index: 9, logTerm: 4 }));

  expect([node.raw.role, node.raw.status().transferee]).toEqual([Role.Follower, NONE]);
});

test("H-15: a node outside of the configuration does not campaign when it is told to", () => {
  const node = new TestNode({ id: "4", term: 1 });

  node.raw.step(message(TimeoutNow, { from: "1", to: "4", term: 1 }));

  expect(node.raw.role).toBe(Role.Follower);
});

test("H-16, H-17, J-13: the target campaigns without a pre-vote, and leases do not stand against it", () => {
  const setup = { preVote: true, checkQuorum: true, term: 1 };
  const target = new TestNode({ ...setup, id: "2" });
  target.raw.step(message(Heartbeat, { from: "1", to: "2", term: 1 }));
  target.raw.step(message(TimeoutNow, { from: "1", to: "2", term: 1 }));
  const votes = target.drain().filter((one) => one.type === Vote);
  expect(votes.map((one) => [one.to, one.term])).toEqual([
    ["1", 2],
    ["3", 2],
  ]);

  const other = new TestNode({ ...setup, id: "3" });
  other.raw.step(message(Heartbeat, { from: "1", to: "3", term: 1 }));
  other.drain();
  other.raw.step(votes[1]!);

  expect(other.drain()).toMatchObject([{ reject: false, term: 2 }]);
});

test("H-18: an order of an older term is ignored", () => {
  const node = new TestNode({ term: 3 });

  node.raw.step(message(TimeoutNow, { from: "2", to: "1", term: 2 }));

  expect([node.raw.role, node.raw.term]).toEqual([Role.Follower, 3]);
});

test("H-19: a target with a change of membership to apply refuses", () => {
  const node = new TestNode({ term: 1 });
  const entries = [{ ...entryAt(1, 1), type: 1 as const }];
  node.raw.step(message(App, { from: "2", to: "1", term: 1, entries, commit: 1 }));

  node.raw.step(message(TimeoutNow, { from: "2", to: "1", term: 1 }));

  expect(node.raw.role).toBe(Role.Follower);
});

test("H-20: a candidate by transfer answers the old leader's heartbeat with its term and goes on", () => {
  const node = new TestNode({ checkQuorum: true, term: 1 });
  node.raw.step(message(TimeoutNow, { from: "2", to: "1", term: 1 }));
  node.drain();

  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));

  expect(node.raw.role).toBe(Role.Candidate);
  expect(node.drain()).toMatchObject([{ type: AppResp, to: "2", term: 2 }]);
});
