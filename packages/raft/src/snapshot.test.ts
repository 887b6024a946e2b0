// Snapshots and compaction: group E of raft-tests.md.

import { describe, expect, test } from "vitest";
import { MessageType, type Message } from "./message.ts";
import { ProgressState } from "./progress.ts";
import { RawNode } from "./raw-node.ts";
import type { Status } from "./status.ts";
import { TEMPORARILY_UNAVAILABLE, type Storage } from "./storage.ts";
import {
  bytes,
  entriesOf,
  entryAt,
  id,
  message,
  snapshotAt,
  TestCluster,
  TestNode,
  type NodeSetup,
} from "./cluster.test.support.ts";
import { EMPTY_SNAPSHOT, Role, type ConfState, type Snapshot } from "./types.ts";

const { App, AppResp, HeartbeatResp, Snap } = MessageType;
const { Probe, Replicate, Snapshot: InSnapshot } = ProgressState;

/** A leader of two at term 2 whose log begins at 11; its no-op is 12. */
function compactedLeader(setup: NodeSetup = {}): TestNode {
  const node = new TestNode({
    voters: ["1", "2"],
    log: Array.from({ length: 11 }, () => 1),
    commit: 11,
    ...setup,
  });
  node.drain();
  node.storage.createSnapshot(10, node.raw.confState, bytes("state at 10"));
  node.storage.compact(10);
  node.lead();
  node.drain();
  return node;
}

/** Lets node 2 refuse the first probe, as its log is empty. */
function refuseProbe(node: TestNode): Message[] {
  const { next } = peer(node);
  const { term } = node.raw;
  node.raw.step(message(AppResp, { from: "2", to: "1", term, index: next - 1, reject: true, rejectHint: 0 }));
  return node.drain();
}

function acknowledge(node: TestNode, index: number): void {
  node.raw.step(message(AppResp, { from: "2", to: "1", term: node.raw.term, index }));
}

function peer(node: TestNode): NonNullable<Status["progress"]>[ReturnType<typeof id>] {
  const progress = node.raw.status().progress?.[id("2")];
  if (progress === undefined) throw new Error("node 2 is not tracked");
  return progress;
}

function installed(node: TestNode, snapshot: Snapshot, from = "2"): Message[] {
  node.raw.step(
    message(Snap, { from, to: node.id, term: Math.max(snapshot.meta.term, node.raw.term), snapshot }),
  );
  return node.drain();
}

function config(voters: readonly string[], learners: readonly string[]): ConfState {
  const lists = { votersOutgoing: [], learnersNext: [], autoLeave: false };
  return { voters: voters.map(id), learners: learners.map(id), ...lists };
}

test("E-01, E-03: a peer that needs compacted entries gets one snapshot and nothing else", () => {
  const node = compactedLeader();

  expect(refuseProbe(node)).toMatchObject([
    { type: Snap, to: "2", snapshot: { meta: { index: 10, term: 1 } } },
  ]);
  expect(peer(node)).toMatchObject({ state: InSnapshot, pendingSnapshot: 10, next: 11 });

  node.raw.propose(bytes("x"));
  expect(node.drain()).toEqual([]);
});

test("E-02: a peer that was not heard of lately gets no snapshot until it answers", () => {
  const node = compactedLeader({ voters: ["1", "2", "3"], checkQuorum: true });
  acknowledge(node, 12);
  // A round of the quorum check in which only node 3 is heard of, and a transport that gives node 2 up.
  node.raw.tick(10);
  node.raw.step(message(HeartbeatResp, { from: "3", to: "1", term: 2 }));
  node.drain();
  node.storage.createSnapshot(12, null, null);
  node.raw.propose(bytes("x"));
  node.raw.step(message(AppResp, { from: "3", to: "1", term: 2, index: 13 }));
  node.drain();
  node.storage.compact(13);
  node.raw.reportUnreachable(id("2"));

  node.raw.propose(bytes("y"));
  expect(node.drain().filter((one) => one.to === "2")).toEqual([]);
  expect(peer(node)).toMatchObject({ state: Probe, recentActive: false });

  node.raw.step(message(HeartbeatResp, { from: "2", to: "1", term: 2 }));
  expect(node.drain().filter((one) => one.to === "2")).toMatchObject([{ type: Snap }]);
});

test("E-04: a snapshot that was delivered makes the peer probed behind it, waiting for its answer", () => {
  const node = compactedLeader();
  refuseProbe(node);

  node.raw.reportSnapshot(id("2"), true);
  expect(peer(node)).toMatchObject({ state: Probe, next: 11, paused: true, pendingSnapshot: 0 });

  acknowledge(node, 10);
  expect(peer(node)).toMatchObject({ state: Replicate, match: 10 });
  expect(node.drain().map((one) => [one.type, one.entries.length])).toEqual([[App, 2]]);
});

test("E-05: a snapshot that failed is tried again after a round of heartbeats", () => {
  const node = compactedLeader();
  refuseProbe(node);

  node.raw.reportSnapshot(id("2"), false);
  expect(peer(node)).toMatchObject({ state: Probe, next: 1, paused: true });
  expect(node.drain()).toEqual([]);

  node.raw.step(message(HeartbeatResp, { from: "2", to: "1", term: 2 }));
  expect(node.drain()).toMatchObject([{ type: Snap }]);
});

test.for([
  ["E-06: the snapshot's index", 10, Replicate],
  ["E-08: an index that the own log does not go on from", 5, InSnapshot],
] as const)("%s ends the wait for the snapshot accordingly", ([, index, state]) => {
  const node = compactedLeader();
  refuseProbe(node);

  acknowledge(node, index);

  expect(peer(node).state).toBe(state);
});

test("E-07, J-17: a peer that has less than the pending snapshot is served if the log reaches back to it", () => {
  const node = compactedLeader();
  node.storage.createSnapshot(11, null, null);
  refuseProbe(node);
  expect(peer(node).pendingSnapshot).toBe(11);

  acknowledge(node, 10);

  expect(peer(node)).toMatchObject({ state: Replicate, match: 10, next: 13 });
});

test("E-09, J-18: a snapshot that is not ready is asked for at the next occasion", () => {
  let isReady = false;
  const node = compactedLeader({
    wrap: (storage): Storage => ({
      initialState: () => storage.initialState(),
      firstIndex: () => storage.firstIndex(),
      lastIndex: () => storage.lastIndex(),
      term: (index) => storage.term(index),
      entries: (lo, hi, maxSizeBytes) => storage.entries(lo, hi, maxSizeBytes),
      snapshot: () => (isReady ? storage.snapshot() : TEMPORARILY_UNAVAILABLE),
    }),
  });

  expect(refuseProbe(node)).toEqual([]);
  expect(peer(node).state).toBe(Probe);

  isReady = true;
  node.raw.step(message(HeartbeatResp, { from: "2", to: "1", term: 2 }));
  expect(node.drain()).toMatchObject([{ type: Snap }]);
});

test("J-20: a leader whose storage has compacted without a snapshot fails loudly", () => {
  const node = compactedLeader({
    wrap: (storage): Storage => ({
      initialState: () => storage.initialState(),
      firstIndex: () => storage.firstIndex(),
      lastIndex: () => storage.lastIndex(),
      term: (index) => storage.term(index),
      entries: (lo, hi, maxSizeBytes) => storage.entries(lo, hi, maxSizeBytes),
      snapshot: () => EMPTY_SNAPSHOT,
    }),
  });

  expect(() => refuseProbe(node)).toThrow("compacted entries without a snapshot");
});

describe("a follower that gets a snapshot", () => {
  test("E-10: begins its log with it, takes its configuration, and answers when it is durable", () => {
    const node = new TestNode({ voters: [] });
    const snapshot = snapshotAt(11, 3, ["1", "2"]);
    node.raw.step(message(Snap, { from: "2", to: "1", term: 3, snapshot }));

    const ready = node.raw.ready();

    expect(ready.snapshot).toBe(snapshot);
    expect(ready.messages).toMatchObject([{ type: AppResp, to: "2", index: 11, reject: false }]);
    expect(node.raw.confState.voters).toEqual(["1", "2"]);
    expect(node.raw.status()).toMatchObject({ commit: 11, firstIndex: 12, lastIndex: 11, lastTerm: 3 });
    node.persist(ready);
    node.raw.advance();
    expect(node.raw.applied).toBe(11);
  });

  test.for([1, 9])("E-11: ignores one of term %i that is not above its commit index", (term) => {
    const node = new TestNode({ log: [1, 1, 1], commit: 2 });

    expect(installed(node, snapshotAt(2, term, ["1", "2"]))).toMatchObject([{ type: AppResp, index: 2 }]);

    expect([node.terms(), node.raw.confState.voters]).toEqual([
      [1, 1, 1],
      ["1", "2", "3"],
    ]);
  });

  test("E-12: keeps a log that has its last entry, and commits", () => {
    const node = new TestNode({ log: [1, 1, 1] });

    expect(installed(node, snapshotAt(2, 1, ["1", "2"]))).toMatchObject([{ type: AppResp, index: 2 }]);

    expect([node.terms(), node.raw.commit]).toEqual([[1, 1, 1], 2]);
  });

  test("E-13: drops a longer log that conflicts", () => {
    const node = new TestNode({ log: [1, 1, 1, 1] });

    expect(installed(node, snapshotAt(2, 2, ["1", "2"]))).toMatchObject([{ type: AppResp, index: 2 }]);

    expect(node.raw.status()).toMatchObject({ firstIndex: 3, lastIndex: 2, lastTerm: 2 });
  });

  test("E-14, J-19: as a candidate of the term follows and installs it", () => {
    const node = new TestNode();
    node.raw.campaign();
    node.drain();

    installed(node, snapshotAt(5, 1, ["1", "2"]));

    expect([node.raw.role, node.raw.lead, node.raw.status().lastIndex]).toEqual([Role.Follower, "2", 5]);
  });

  test("E-15: as the leader of the term ignores it", () => {
    const node = new TestNode().lead();
    node.drain();

    installed(node, snapshotAt(5, 1, ["1", "2"]));

    expect([node.raw.role, node.raw.status().lastIndex]).toEqual([Role.Leader, 1]);
  });

  test("E-16: learns who is learner and who is voter", () => {
    const node = new TestNode({ voters: ["1", "2", "3"] });
    const demoted = { meta: { index: 5, term: 1, confState: config(["2", "3"], ["1"]) }, data: null };
    installed(node, demoted);
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Follower);

    const promoted = { meta: { index: 6, term: 1, confState: config(["1", "2"], ["3"]) }, data: null };
    installed(node, promoted);
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Candidate);
  });

  test("E-17: installs one that lacks itself, and campaigns only when an entry has added it", () => {
    const node = new TestNode({ id: "4", voters: [] });
    installed(node, snapshotAt(5, 1, ["1", "2"]));
    expect(node.raw.status().lastIndex).toBe(5);
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Follower);

    node.raw.applyConfChange({ id: "0", type: 0, nodeId: id("4"), context: null });
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Candidate);
  });

  test.for([
    ["modern", 0],
    ["etcd2", 5],
  ] as const)(
    "E-17: with snapshotWithoutSelf reject and compat %s has lastIndex %i",
    ([compat, lastIndex]) => {
      const node = new TestNode({ id: "4", voters: [], snapshotWithoutSelf: "reject", compat });

      installed(node, snapshotAt(5, 1, ["1", "2"]));

      expect(node.raw.status().lastIndex).toBe(lastIndex);
    },
  );

  test("E-20: gets the entries behind it in order, nothing twice and nothing skipped", () => {
    const node = new TestNode({ voters: [] });
    const term = 2;
    node.raw.step(message(Snap, { from: "2", to: "1", term, snapshot: snapshotAt(5, 1, ["1", "2"]) }));
    const entries = entriesOf([2, 2], 6);
    node.raw.step(message(App, { from: "2", to: "1", term, index: 5, logTerm: 1, entries, commit: 7 }));

    const ready = node.raw.ready();
    expect([ready.snapshot?.meta.index, ready.entries.length, ready.committedEntries]).toEqual([5, 2, []]);
    node.persist(ready);
    node.raw.advance();
    node.drain();

    expect(node.applied.map((entry) => entry.index)).toEqual([6, 7]);
  });

  test("E-21: keeps the later of two, and a confirmation of the first is ignored", () => {
    const node = new TestNode({ voters: [], asyncStorageWrites: true });
    const first = snapshotAt(5, 1, ["1", "2"]);
    const second = snapshotAt(8, 1, ["1", "2"]);
    node.raw.step(message(Snap, { from: "2", to: "1", term: 1, snapshot: first }));
    const response = node.raw.ready().appendRequest?.responses.at(-1);
    node.raw.step(message(Snap, { from: "2", to: "1", term: 1, snapshot: second }));

    if (response !== undefined) node.raw.step(response);

    expect(node.raw.ready().snapshot).toBe(second);
    expect(node.raw.status().lastIndex).toBe(8);
  });
});

test("E-22: a crash before the snapshot is recorded leaves the old state, one after it the new one", () => {
  const node = new TestNode({ log: [1, 1], term: 1, commit: 1 });
  node.drain();
  node.raw.step(message(Snap, { from: "2", to: "1", term: 3, snapshot: snapshotAt(9, 2, ["1", "2", "4"]) }));
  const ready = node.raw.ready();

  const before = new TestNode({ restartFrom: node.storage });
  expect(before.raw.status()).toMatchObject({ term: 1, commit: 1, lastIndex: 2 });
  expect(before.raw.confState.voters).toEqual(["1", "2", "3"]);

  node.persist(ready);
  const after = new TestNode({ restartFrom: node.storage });
  expect(after.raw.status()).toMatchObject({ term: 3, commit: 9, applied: 9, firstIndex: 10, lastIndex: 9 });
  expect(after.raw.confState.voters).toEqual(["1", "2", "4"]);
  // It answers for the snapshot like the node that received it.
  after.raw.step(
    message(App, { from: "2", to: "1", term: 3, index: 9, logTerm: 2, entries: entriesOf([3], 10) }),
  );
  expect(after.drain()).toMatchObject([{ type: AppResp, index: 10, reject: false }]);
});

test("E-18, E-19: a node that was away and one that is new catch up by snapshot while writes go on", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.isolate("3");
  for (let i = 0; i < 20; i++) cluster.propose("1", `${i}`);
  cluster.node("1").raw.proposeConfChange({ id: "0", type: 0, nodeId: id("4"), context: null });
  cluster.settle();
  const lead = cluster.node("1");
  lead.storage.createSnapshot(lead.raw.applied, lead.raw.confState, bytes("all"));
  lead.storage.compact(lead.raw.applied);
  cluster.nodes.set(id("4"), new TestNode({ id: "4", voters: [] }));

  cluster.heal();
  for (let i = 0; i < 5; i++) {
    lead.raw.tick();
    cluster.propose("1", `later ${i}`);
  }

  for (const one of ["3", "4"]) {
    const node = cluster.node(one);
    expect(node.raw.commit).toBe(lead.raw.commit);
    expect(node.storage.snapshot().meta.index).toBe(22);
    const later = node.applied.filter((entry) => entry.index > 22);
    expect(later.map((entry) => entry.data)).toEqual(
      Array.from({ length: 5 }, (_, i) => bytes(`later ${i}`)),
    );
    expect(node.raw.confState.voters).toEqual(["1", "2", "3", "4"]);
  }
});

test("E-23: a compaction that keeps a tail spares a slow follower the snapshot", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.isolate("3");
  for (let i = 0; i < 20; i++) cluster.propose("1", `${i}`);
  const lead = cluster.node("1");
  lead.storage.createSnapshot(lead.raw.applied, lead.raw.confState, null);
  lead.storage.compact(1);

  cluster.heal();
  lead.raw.tick();
  cluster.settle();

  expect(cluster.node("3").storage.snapshot().meta.index).toBe(0);
  expect(cluster.node("3").raw.commit).toBe(lead.raw.commit);
});

test("E-24: a snapshot of a joint configuration restores it, and a leader elected there leaves it", () => {
  const confState: ConfState = {
    voters: ["1", "2"].map(id),
    learners: [],
    votersOutgoing: ["1", "3"].map(id),
    learnersNext: [id("3")],
    autoLeave: true,
  };
  const node = new TestNode({ voters: [] });
  installed(node, { meta: { index: 5, term: 1, confState }, data: null });
  expect(node.raw.confState).toEqual(confState);

  node.lead();
  node.drain();
  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 2, index: 6 }));
  node.drain();
  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 2, index: 7 }));
  node.drain();

  expect(node.raw.confState).toMatchObject({ voters: ["1", "2"], votersOutgoing: [], learners: ["3"] });
});

test("E-25, J-21: a snapshot right after a change holds the configuration as of its index", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  const lead = cluster.node("1");
  lead.raw.proposeConfChange({ id: "0", type: 0, nodeId: id("4"), context: null });
  cluster.settle();
  const { confState, applied } = lead.raw;

  const { meta } = lead.storage.createSnapshot(applied, confState, null);

  expect(meta).toMatchObject({ index: 2, confState: { voters: ["1", "2", "3", "4"] } });
});

test("a node starts from a snapshot and the entries behind it", () => {
  const node = new TestNode({ voters: [] });
  installed(node, snapshotAt(5, 1, ["1"]));
  node.storage.append([entryAt(6, 1)]);
  node.storage.setHardState({ term: 1, vote: id("1"), commit: 6 });

  const raw = new RawNode({ id: id("1"), storage: node.storage, random: () => 0 });

  expect(raw.confState.voters).toEqual(["1"]);
  expect(raw.ready()).toMatchObject({ hardState: null, committedEntries: [{ index: 6 }] });
});
