// How a leader paces its appends: scenarios C-10 to C-35 of raft-tests.md.

import { describe, expect, test } from "vitest";
import { entrySize } from "./codec/index.ts";
import { MessageType, type Message } from "./message.ts";
import { ProgressState, type ProgressState as State } from "./progress.ts";
import type { Status } from "./status.ts";
import {
  bytes,
  entryAt,
  id,
  message,
  TestCluster,
  TestNode,
  type NodeSetup,
} from "./cluster.test.support.ts";

const { App, AppResp, Heartbeat, HeartbeatResp, Vote } = MessageType;
const { Probe, Replicate } = ProgressState;

/** A leader of two at term 2 whose no-op is at `lastIndex`; nothing is known of node 2. */
function probing(setup: NodeSetup = {}): TestNode {
  const node = new TestNode({ voters: ["1", "2"], term: 1, ...setup }).lead();
  node.drain();
  return node;
}

/** The same, in agreement with node 2. */
function replicating(setup: NodeSetup = {}): TestNode {
  const node = probing(setup);
  acknowledge(node, node.raw.status().lastIndex);
  node.drain();
  return node;
}

function acknowledge(node: TestNode, index: number, from = "2"): void {
  node.raw.step(message(AppResp, { from, to: "1", term: node.raw.term, index }));
}

function reject(node: TestNode, index: number, rejectHint: number, logTerm = 0): void {
  const { term } = node.raw;
  node.raw.step(message(AppResp, { from: "2", to: "1", term, index, reject: true, rejectHint, logTerm }));
}

function answerHeartbeat(node: TestNode): void {
  node.raw.step(message(HeartbeatResp, { from: "2", to: "1", term: node.raw.term }));
}

function propose(node: TestNode, count: number, sizeBytes = 4): void {
  for (let i = 0; i < count; i++) node.raw.propose(bytes("x".repeat(sizeBytes)));
}

function appends(messages: readonly Message[]): Message[] {
  return messages.filter((one) => one.type === App);
}

/** The entries of each append, by index. */
function indexes(messages: readonly Message[]): number[][] {
  return appends(messages).map((one) => one.entries.map((entry) => entry.index));
}

function peer(node: TestNode, of = "2"): NonNullable<Status["progress"]>[ReturnType<typeof id>] {
  const progress = node.raw.status().progress?.[id(of)];
  if (progress === undefined) throw new Error(`node ${of} is not tracked`);
  return progress;
}

test("C-10: a probed peer gets one append with entries, and one more after a heartbeat's answer", () => {
  const node = probing();
  expect(peer(node)).toMatchObject({ state: Probe, paused: true });

  propose(node, 3);
  expect(appends(node.drain())).toEqual([]);
  answerHeartbeat(node);

  expect(indexes(node.drain())).toEqual([[1, 2, 3, 4]]);
});

test("C-11: without an answer a paused probe gets nothing but heartbeats", () => {
  const node = probing();

  node.raw.tick(5);
  propose(node, 1);

  expect(node.drain().map((one) => one.type)).toEqual([
    Heartbeat,
    Heartbeat,
    Heartbeat,
    Heartbeat,
    Heartbeat,
  ]);
});

test("C-12: a replicating peer gets each proposal at once, without waiting", () => {
  const node = replicating();

  propose(node, 10);

  expect(indexes(node.drain())).toEqual([[2], [3], [4], [5], [6], [7], [8], [9], [10], [11]]);
  expect(peer(node)).toMatchObject({ state: Replicate, match: 1, next: 12 });
});

test("C-13: a window of three lets three appends out, and one more with the rest after the first answer", () => {
  const node = replicating({ maxInflightMsgs: 3 });

  propose(node, 5);
  expect(indexes(node.drain())).toEqual([[2], [3], [4]]);

  acknowledge(node, 2);
  expect(indexes(node.drain())).toEqual([[5, 6]]);
});

test("C-14: an outdated answer frees nothing and sends nothing", () => {
  const node = replicating({ maxInflightMsgs: 2 });
  propose(node, 3);
  node.drain();

  acknowledge(node, 1);

  expect(node.drain()).toEqual([]);
  expect(peer(node)).toMatchObject({ inflight: 2, paused: true });
});

test("C-15: each heartbeat's answer lets one empty append through a full window", () => {
  const node = replicating({ maxInflightMsgs: 2 });
  propose(node, 3);
  node.drain();

  for (let round = 0; round < 3; round++) {
    answerHeartbeat(node);
    expect(indexes(node.drain())).toEqual([[]]);
    expect(peer(node).inflight).toBe(2);
  }
});

test("C-16: a peer whose whole window was lost is found by the empty append and recovers", () => {
  const node = replicating({ maxInflightMsgs: 3 });
  propose(node, 5);
  node.drain();

  answerHeartbeat(node);
  const [empty] = appends(node.drain());
  reject(node, empty?.index ?? 0, 1, 2);
  expect(indexes(node.drain())).toEqual([[2, 3, 4, 5, 6]]);
  expect(peer(node)).toMatchObject({ state: Probe, inflight: 0 });

  acknowledge(node, 6);
  expect(peer(node)).toMatchObject({ state: Replicate, match: 6 });
});

test("C-17: entries of 800 bytes with a limit of 1024 go one by one, as many as the window takes", () => {
  const node = replicating({ maxSizePerMsg: 1024, maxInflightMsgs: 4 });
  node.raw.reportUnreachable(id("2"));
  for (let i = 0; i < 10; i++) propose(node, 1, 800);
  node.drain();

  acknowledge(node, 2);

  expect(indexes(node.drain())).toEqual([[3], [4], [5], [6]]);
});

test("C-18: the answer that ends probing releases several appends of limited size at once", () => {
  const size = entrySize(entryAt(9, 1, "9"));
  const node = probing({ log: [1, 1, 1, 1, 1, 1, 1, 1], maxSizePerMsg: 2 * size });
  reject(node, 8, 0);
  expect(indexes(node.drain())).toEqual([[1, 2]]);

  acknowledge(node, 2);

  expect(indexes(node.drain())).toEqual([[3, 4], [5, 6], [7, 8], [9]]);
});

describe("C-19: a report that a peer is unreachable", () => {
  test("makes a replicating peer probed from match + 1", () => {
    const node = replicating();
    propose(node, 3);

    node.raw.reportUnreachable(id("2"));

    expect(peer(node)).toMatchObject({ state: Probe, match: 1, next: 2, inflight: 0 });
  });

  test("changes nothing for a probed one", () => {
    const node = probing();
    const before = node.raw.status();

    node.raw.reportUnreachable(id("2"));

    expect(node.raw.status()).toEqual(before);
  });
});

test("C-20: a rejection while replicating makes the peer probed with a single append", () => {
  const node = replicating();
  propose(node, 4);
  node.drain();

  reject(node, 3, 1, 2);

  expect(indexes(node.drain())).toEqual([[2, 3, 4, 5]]);
  expect(peer(node)).toMatchObject({ state: Probe, next: 2, paused: true });
});

test("C-21: a rejection of what is known to match is stale and ignored", () => {
  const node = replicating();
  const before = node.raw.status();

  reject(node, 1, 0);

  expect(node.raw.status()).toEqual({ ...before });
  expect(node.drain()).toEqual([]);
});

test("C-22: an acknowledgement of match ends probing although it brings nothing new", () => {
  const node = replicating();
  node.raw.reportUnreachable(id("2"));
  expect(peer(node).state).toBe(Probe);

  acknowledge(node, 1);

  expect(peer(node)).toMatchObject({ state: Replicate, match: 1, next: 2 });
});

test("C-23: an acknowledgement below match changes nothing", () => {
  const node = replicating();
  propose(node, 1);
  node.drain();
  acknowledge(node, 2);
  node.drain();

  acknowledge(node, 1);

  expect(node.drain()).toEqual([]);
  expect(peer(node).match).toBe(2);
});

test("C-24, J-32: a follower that is caught up hears of a commit right after the answer that made it, once", () => {
  const node = new TestNode({ term: 1 }).lead();
  node.drain();
  for (const from of ["2", "3"]) acknowledge(node, 1, from);
  node.drain();
  propose(node, 1);
  node.drain();

  acknowledge(node, 2, "2");
  expect(node.drain().map((one) => [one.to, one.commit, one.entries.length])).toEqual([
    ["2", 2, 0],
    ["3", 2, 0],
  ]);

  acknowledge(node, 2, "3");
  expect(node.drain()).toEqual([]);
});

test.for([
  [0, 0],
  [5, 5],
  [10, 7],
] as const)("C-25: a follower that has %i is told of commit %i of 7 by heartbeats", ([match, commit]) => {
  // With five voters an answer of node 2 alone commits nothing.
  const voters = ["1", "2", "3", "4", "5"];
  const node = new TestNode({ voters, log: [1, 1, 1, 1, 1, 1, 1, 1, 1], term: 1, commit: 7 }).lead();
  node.drain();
  if (match > 0) acknowledge(node, match);
  node.drain();

  node.raw.tick();

  const [heartbeat] = node.drain().filter((one) => one.type === Heartbeat);
  expect(heartbeat).toMatchObject({ to: "2", commit });
});

describe("C-26: the uncommitted tail is limited to 100 bytes", () => {
  test("a second proposal of 60 bytes is dropped until the first is applied", () => {
    const node = replicating({ maxUncommittedEntriesSize: 100 });
    const sixty = bytes("x".repeat(60));

    expect(node.raw.propose(sixty).ok).toBe(true);
    expect(node.raw.propose(sixty).ok).toBe(false);
    node.drain();
    acknowledge(node, 2);
    node.drain();

    expect(node.raw.status().uncommittedSize).toBe(0);
    expect(node.raw.propose(sixty).ok).toBe(true);
  });

  test("a single large proposal on an empty tail and empty ones are always accepted", () => {
    const node = replicating({ maxUncommittedEntriesSize: 100 });

    expect(node.raw.propose(bytes("x".repeat(500))).ok).toBe(true);
    expect(node.raw.propose(new Uint8Array(0)).ok).toBe(true);
    expect(node.raw.propose(bytes("x")).ok).toBe(false);
  });

  test("the count begins at zero when leadership is lost and won again", () => {
    const node = replicating({ maxUncommittedEntriesSize: 100 });
    node.raw.propose(bytes("x".repeat(90)));

    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 5 }));
    node.drain();
    node.lead();

    expect(node.raw.status().uncommittedSize).toBe(0);
    expect(node.raw.propose(bytes("x".repeat(90))).ok).toBe(true);
  });

  test("a dropped change of membership leaves no trace", () => {
    const node = replicating({ maxUncommittedEntriesSize: 1 });
    node.raw.propose(bytes("xx"));
    const before = node.raw.status();

    const result = node.raw.proposeConfChange({ id: "0", type: 0, nodeId: id("3"), context: null });

    expect(result).toMatchObject({ ok: false, code: "E_PROPOSAL_DROPPED" });
    expect(node.raw.status()).toEqual(before);
  });
});

test("C-27, J-36: a new leader with an old tail starts counting at zero and never falls below", () => {
  const node = new TestNode({ voters: ["1"], log: [1, 1], term: 1, maxUncommittedEntriesSize: 1 }).lead();
  expect(node.raw.status().uncommittedSize).toBe(0);
  expect(node.raw.propose(bytes("large")).ok).toBe(true);

  node.drain();

  expect(node.raw.status().uncommittedSize).toBe(0);
});

test("C-28: a new leader knows nothing of its peers but its own log", () => {
  const node = new TestNode({ log: [1, 1, 1], term: 1 }).lead();

  const unknown = { state: Probe, match: 0, next: 4, recentActive: false };
  expect([peer(node, "2"), peer(node, "3")]).toMatchObject([unknown, unknown]);
  expect(peer(node, "1")).toMatchObject({ state: Replicate, match: 3, next: 4 });
});

test("C-28: a leader that is elected again has forgotten what its peers had acknowledged", () => {
  const node = new TestNode({ log: [1, 1, 1], term: 1 }).lead();
  node.drain();
  node.raw.step(message(AppResp, { from: "2", to: "1", term: node.raw.term, index: 4 }));
  expect(peer(node, "2")).toMatchObject({ state: Replicate, match: 4 });
  node.raw.step(message(Vote, { from: "3", to: "1", term: 9, index: 9, logTerm: 1 }));
  node.drain();

  node.lead();

  expect(node.raw.term).toBe(10);
  expect(peer(node, "2")).toMatchObject({ state: Probe, match: 0, next: 5 });
});

describe("C-30, C-31, C-32: probing back skips whole terms", () => {
  test.for([
    ["follower with lower terms", [1, 3, 3, 3, 5, 5, 5, 5, 5], [1, 1, 1, 1, 2, 2], 2],
    ["follower with higher terms", [1, 3, 3, 3, 3, 3, 3, 3, 7], [1, 3, 3, 4, 4, 5, 5, 5, 6], 3],
    ["shorter follower", [1, 1, 1, 2, 2, 2], [1, 1], 2],
    ["longer follower with lower terms", [1, 4], [1, 2, 2, 2, 3, 3], 2],
    ["longer follower with higher terms", [1, 1, 1, 1], [1, 2, 3, 4, 5], 2],
    ["empty follower", [1, 1, 2, 2, 3, 3], [], 2],
    ["equal logs", [1, 2, 3], [1, 2, 3], 1],
  ] as const)("%s: %o against %o takes at most %i probes", ([, leaderLog, followerLog, probes]) => {
    const term = 8;
    const lead = new TestNode({ id: "1", voters: ["1", "2", "3"], log: leaderLog, term });
    const other = new TestNode({ id: "2", voters: ["1", "2", "3"], log: followerLog, term });
    lead.lead();
    let sent = appends(lead.drain()).filter((one) => one.to === "2");
    let count = 0;
    for (; sent.length > 0 && peer(lead).state === Probe; count++) {
      for (const one of sent) other.raw.step(one);
      for (const answer of other.drain()) lead.raw.step(answer);
      sent = appends(lead.drain()).filter((one) => one.to === "2");
    }
    for (const one of sent) other.raw.step(one);

    expect(other.terms()).toEqual([...leaderLog, term + 1]);
    expect(count).toBeLessThanOrEqual(probes);
  });
});

test("C-33: the rejections of a 2.x peer, its last index without a term, step back one by one to match", () => {
  const node = probing({ log: [1, 1, 3, 3, 3], term: 3 });
  const probed: number[] = [];

  for (let index = 5; index > 1; index--) {
    reject(node, index, 5);
    const [append] = appends(node.drain());
    probed.push(append?.index ?? -1);
  }

  expect(probed).toEqual([4, 3, 2, 1]);
  acknowledge(node, 1);
  expect(peer(node)).toMatchObject({ state: Replicate, match: 1 });
});

test("C-34, J-30: a late answer of a removed peer is refused without a trace", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const node = cluster.node("1");
  node.raw.proposeConfChange({ id: "0", type: 1, nodeId: id("3"), context: null });
  cluster.settle();
  const before = node.raw.status();

  const result = node.raw.step(message(AppResp, { from: "3", to: "1", term: 1, index: 2 }));

  expect(result).toEqual({ ok: false, code: "E_PEER_NOT_FOUND" });
  expect(node.raw.status()).toEqual(before);
});

test("C-35: messages go out in ascending order of 64-bit ids", () => {
  const voters = ["10", "ffffffffffffffff", "2", "1", "8000000000000000"];

  const node = new TestNode({ voters, term: 1 }).lead();
  node.drain();
  node.raw.tick();

  expect(node.drain().map((one) => one.to)).toEqual(["2", "10", "8000000000000000", "ffffffffffffffff"]);
});

test("J-31: rejections in a full window cause one append for each, never a storm", () => {
  const node = replicating({ maxInflightMsgs: 4 });
  propose(node, 8);
  node.drain();
  const states: State[] = [];

  for (const index of [3, 3, 3, 4, 5]) {
    reject(node, index, 1, 2);
    expect(appends(node.drain()).length).toBeLessThanOrEqual(1);
    states.push(peer(node).state);
  }

  expect(states).toEqual([Probe, Probe, Probe, Probe, Probe]);
});

test("B-36: what storage hands out of a range is sent, and next moves by just that", () => {
  const node = probing({
    log: [1, 1, 1, 1],
    wrap: (inner) => ({
      initialState: () => inner.initialState(),
      firstIndex: () => inner.firstIndex(),
      lastIndex: () => inner.lastIndex(),
      term: (index) => inner.term(index),
      // At most two entries, however many would fit.
      entries: (lo, hi, maxSizeBytes) => inner.entries(lo, Math.min(hi, lo + 2), maxSizeBytes),
      snapshot: () => inner.snapshot(),
    }),
  });
  reject(node, 4, 0);
  expect(indexes(node.drain())).toEqual([[1, 2]]);

  acknowledge(node, 2);

  expect(indexes(node.drain())).toEqual([[3, 4], [5]]);
  expect(peer(node).next).toBe(6);
});
