// Linearizable reads: group G of raft-tests.md.

import { describe, expect, test } from "vitest";
import { MessageType, type Message } from "./message.ts";
import { decodePosition, encodePosition, type ReadState } from "./read-only.ts";
import {
  bytes,
  entryAt,
  id,
  message,
  TestCluster,
  TestNode,
  type NodeSetup,
} from "./cluster.test.support.ts";
import { ConfChangeTransition, ConfChangeType, Role } from "./types.ts";

const { App, AppResp, Heartbeat, HeartbeatResp, ReadIndex, ReadIndexResp } = MessageType;

/** A leader of three at term 1 that has committed its no-op. */
function reader(setup: NodeSetup = {}): TestNode {
  const node = new TestNode(setup).lead();
  node.drain();
  for (const voter of node.raw.confState.voters.slice(1)) acknowledge(node, voter);
  node.drain();
  return node;
}

function acknowledge(node: TestNode, from: string): void {
  const { term, lastIndex: index } = node.raw.status();
  node.raw.step(message(AppResp, { from, to: "1", term, index }));
}

function answer(node: TestNode, from: string, context: Uint8Array | null): void {
  node.raw.step(message(HeartbeatResp, { from, to: "1", term: node.raw.term, context }));
}

/** What a node hands out as readable. */
function reads(node: TestNode): [number, string][] {
  const states: ReadState[] = [];
  while (node.raw.hasReady()) states.push(...node.handle().readStates);
  return states.map(({ index, context }) => [index, new TextDecoder().decode(context)]);
}

/** The contexts of the heartbeats a node sends, one for each recipient. */
function contexts(node: TestNode): (Uint8Array | null)[] {
  return node
    .drain()
    .filter((one) => one.type === Heartbeat)
    .map((one) => one.context);
}

test("G-01: a single voter answers at once with its commit index", () => {
  const node = reader({ voters: ["1"] });

  node.raw.readIndex(bytes("a"));

  expect(reads(node)).toEqual([[1, "a"]]);
});

test("G-02: a read is confirmed when a quorum has answered a heartbeat sent after it", () => {
  const node = reader();
  node.raw.readIndex(bytes("a"));
  const [context] = contexts(node);
  expect(decodePosition(context ?? null)).toBe(1);
  node.raw.propose(bytes("later"));
  acknowledge(node, "2");
  expect(reads(node)).toEqual([]);

  answer(node, "2", context ?? null);

  expect(reads(node)).toEqual([[1, "a"]]);
});

test("G-03: a follower's read is confirmed by the leader and answered to the follower", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const node = cluster.node("2");
  node.raw.readIndex(bytes("a"));
  const [asked] = node.drain();
  expect(asked).toMatchObject({ type: ReadIndex, to: "1", from: "2", term: 0 });
  cluster.node("1").raw.step(asked!);

  const heartbeats = cluster.node("1").drain();
  answer(cluster.node("1"), "3", heartbeats[0]?.context ?? null);
  const [confirmed] = cluster.node("1").drain();

  expect(confirmed).toMatchObject({ type: ReadIndexResp, to: "2", index: 1 });
  node.raw.step(confirmed!);
  expect(reads(node)).toEqual([[1, "a"]]);
});

test("G-04: without a leader a read is dropped", () => {
  const node = new TestNode();

  node.raw.readIndex(bytes("a"));

  expect(node.raw.hasReady()).toBe(false);
});

test.for(["safe", "lease"] as const)(
  "G-05, G-15, J-09: a new leader holds a %s read until it has committed in its own term",
  (readOnly) => {
    const leaseTicks = Number.POSITIVE_INFINITY;
    const node = new TestNode({
      log: [1, 1],
      term: 1,
      commit: 1,
      readOnly,
      leaseTicks,
      checkQuorum: true,
    }).lead();
    node.drain();
    node.raw.readIndex(bytes("a"));
    expect(node.drain()).toEqual([]);

    acknowledge(node, "2");
    const heartbeat = node.raw.ready();
    node.persist(heartbeat);
    const early = heartbeat.readStates;
    node.raw.advance();
    if (readOnly === "lease") {
      expect(early).toMatchObject([{ index: 3 }]);
      return;
    }
    answer(node, "2", heartbeat.messages.find((one) => one.type === Heartbeat)?.context ?? null);

    expect(reads(node)).toEqual([[3, "a"]]);
  },
);

test("G-06, G-07: answers confirm exactly the reads up to their position, in order", () => {
  const node = reader();
  const [first, second] = ["a", "b"].map((text): Uint8Array | null => {
    node.raw.readIndex(bytes(text));
    return contexts(node)[0] ?? null;
  });
  node.raw.readIndex(bytes("c"));
  node.drain();

  answer(node, "2", first ?? null);
  expect(reads(node)).toEqual([[1, "a"]]);
  answer(node, "3", second ?? null);
  expect(reads(node)).toEqual([[1, "b"]]);
  answer(node, "3", encodePosition(3));
  expect(reads(node)).toEqual([[1, "c"]]);
});

test("G-08, J-10: late answers to an earlier read with the same context confirm nothing", () => {
  const node = reader();
  node.raw.readIndex(bytes("same"));
  const [late] = contexts(node);
  node.raw.step(
    message(App, { from: "2", to: "1", term: 2, index: 1, logTerm: 1, entries: [entryAt(2, 2)] }),
  );
  node.drain();
  node.lead();
  node.drain();
  acknowledge(node, "2");
  node.drain();
  expect(node.raw.term).toBe(3);
  node.raw.readIndex(bytes("other"));
  node.raw.readIndex(bytes("same"));
  node.drain();

  // The answer of the first round comes with the term of the first round.
  node.raw.step(message(HeartbeatResp, { from: "2", to: "1", term: 1, context: late ?? null }));
  expect(reads(node)).toEqual([]);

  // Even in the own term an old position confirms no later read.
  answer(node, "2", late ?? null);
  expect(reads(node)).toEqual([[3, "other"]]);
});

test("G-09, G-10, J-11: a leader that steps down, or is alone, never answers", () => {
  const node = reader();
  node.raw.readIndex(bytes("a"));
  const [context] = contexts(node);
  node.raw.tick(5);
  expect(reads(node)).toEqual([]);

  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2 }));
  answer(node, "2", context ?? null);

  expect(reads(node)).toEqual([]);
});

test("G-11: while joint, a read needs a quorum of both halves", () => {
  const node = reader();
  const changes = [
    { type: ConfChangeType.AddNode, nodeId: id("4") },
    { type: ConfChangeType.AddNode, nodeId: id("5") },
    { type: ConfChangeType.RemoveNode, nodeId: id("2") },
    { type: ConfChangeType.RemoveNode, nodeId: id("3") },
  ];
  node.raw.applyConfChange({ transition: ConfChangeTransition.JointExplicit, changes, context: null });
  node.drain();
  node.raw.readIndex(bytes("a"));
  const [context] = contexts(node);

  answer(node, "4", context ?? null);
  expect(reads(node)).toEqual([]);
  answer(node, "2", context ?? null);

  expect(reads(node)).toEqual([[1, "a"]]);
});

test("G-12: a learner may ask, and its answer does not count", () => {
  const node = reader({ voters: ["1", "2"], learners: ["3"] });
  const entries = [entryAt(0, 0, "a")];
  node.raw.step(message(ReadIndex, { from: "3", to: "1", entries }));
  const [context] = contexts(node);

  answer(node, "3", context ?? null);
  expect(node.drain().filter((one) => one.type === ReadIndexResp)).toEqual([]);
  answer(node, "2", context ?? null);

  const answers = node.drain().filter((one) => one.type === ReadIndexResp);
  expect(answers).toMatchObject([{ to: "3", index: 1 }]);
});

describe("G-13: reads by lease", () => {
  test("are answered at once, until the leader has lost its quorum and is none any more", () => {
    const node = reader({ readOnly: "lease", leaseTicks: Number.POSITIVE_INFINITY, checkQuorum: true });
    node.raw.readIndex(bytes("a"));
    expect(reads(node)).toEqual([[1, "a"]]);

    node.raw.tick(20);
    node.drain();
    expect(node.raw.role).toBe(Role.Follower);
    node.raw.readIndex(bytes("b"));
    expect(reads(node)).toEqual([]);
  });
});

test.for([0, 2])("G-16: an answer with %i entries is ignored", (count) => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const node = cluster.node("2");
  const entries = [entryAt(0, 0, "a"), entryAt(0, 0, "b")].slice(0, count);

  node.raw.step(message(ReadIndexResp, { from: "1", to: "2", term: 1, index: 1, entries }));

  expect(reads(node)).toEqual([]);
});

test("G-17: a read is never answered above the leader's commit index, and moves no commit index back", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const [leader, follower] = [cluster.node("1"), cluster.node("2")];
  const answers: number[] = [];
  for (let i = 0; i < 5; i++) {
    const before = [leader.raw.commit, follower.raw.commit];
    follower.raw.readIndex(bytes(`${i}`));
    for (let round = 0; round < 4; round++) {
      for (const node of cluster.nodes.values()) {
        while (node.raw.hasReady()) {
          const { readStates } = node.handle();
          for (const { index } of readStates) {
            answers.push(index);
            expect(index).toBeLessThanOrEqual(leader.raw.commit);
          }
        }
        for (const one of node.sent.splice(0)) cluster.nodes.get(one.to)?.raw.step(one);
      }
    }

    expect(leader.raw.commit).toBeGreaterThanOrEqual(before[0]!);
    expect(follower.raw.commit).toBeGreaterThanOrEqual(before[1]!);
    cluster.propose("1", "x");
  }

  expect(answers).toEqual([1, 2, 3, 4, 5]);
});

test("G-18: a restarted single voter does not answer from the commit index it had persisted", () => {
  const node = new TestNode({ voters: ["1"], log: [1, 1, 1], term: 1, commit: 1 });
  node.raw.campaign();
  node.handle();
  node.raw.readIndex(bytes("a"));
  expect(node.raw.role).toBe(Role.Leader);

  expect(reads(node)).toEqual([[4, "a"]]);
});

test("G-19: heartbeats carry no context while no read waits", () => {
  const node = reader();

  node.raw.tick();

  expect(contexts(node)).toEqual([null, null]);
});

test("a position that was never sent confirms no later read", () => {
  const node = reader();
  node.raw.readIndex(bytes("a"));
  answer(node, "2", encodePosition(1_000_000));
  expect(reads(node)).toEqual([[1, "a"]]);

  node.raw.readIndex(bytes("b"));
  answer(node, "3", encodePosition(1));

  expect(reads(node)).toEqual([]);
});

test("with etcd 2.x members only a single voter answers", () => {
  const node = reader({ compat: "etcd2" });
  node.raw.readIndex(bytes("a"));
  expect(node.drain()).toEqual([]);

  const alone = reader({ voters: ["1"], compat: "etcd2" });
  alone.raw.readIndex(bytes("a"));
  expect(reads(alone)).toEqual([[1, "a"]]);
});

test.for([0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])("position %i survives its encoding", (position) => {
  expect(encodePosition(position)).toHaveLength(8);
  expect(decodePosition(encodePosition(position))).toBe(position);
});

test("bytes that are no position are position 0", () => {
  const none: Message["context"][] = [null, new Uint8Array(7), new Uint8Array(8).fill(255)];
  expect(none.map(decodePosition)).toEqual([0, 0, 0]);
});
