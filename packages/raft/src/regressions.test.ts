// What went wrong in other implementations, and must not go wrong here: group J of raft-tests.md.
// Those that belong to another group are in its file, with both numbers.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { encodeConfChange } from "./codec/index.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MessageType } from "./message.ts";
import {
  bytes,
  id,
  message,
  pseudoRandom,
  snapshotAt,
  TestCluster,
  TestNode,
} from "./cluster.test.support.ts";
import { ConfChangeType, EntryType, Role, type Entry } from "./types.ts";

const { App, AppResp, Snap } = MessageType;

function change(index: number, nodeId: string): Entry {
  const data = encodeConfChange({
    id: "0",
    type: ConfChangeType.AddNode,
    nodeId: id(nodeId),
    context: null,
  });
  return { term: 1, index, type: EntryType.ConfChange, data };
}

function leaderOf(cluster: TestCluster): string {
  const leaders = [...cluster.nodes.values()].filter((node) => node.raw.role === Role.Leader);
  return leaders.map((node) => node.id).join(" ");
}

test("J-07: a snapshot and the hard state behind it are in one Ready, and a restart after both succeeds", () => {
  const node = new TestNode({ voters: [] });
  node.raw.step(message(Snap, { from: "2", to: "1", term: 3, snapshot: snapshotAt(9, 2, ["1", "2"]) }));

  const ready = node.raw.ready();

  expect(ready).toMatchObject({ hardState: { term: 3, commit: 9 }, snapshot: { meta: { index: 9 } } });
  // A crash before anything is written: the old state. After both: the new one.
  expect(new TestNode({ voters: [], wrap: () => node.storage }).raw.commit).toBe(0);
  node.persist(ready);
  expect(new TestNode({ voters: [], wrap: () => node.storage }).raw.commit).toBe(9);
});

test("J-07: a hard state without the snapshot that it needs is refused instead of guessed", () => {
  const storage = new MemoryStorage();
  storage.setHardState({ term: 3, vote: id("0"), commit: 9 });

  expect(() => new TestNode({ wrap: () => storage })).toThrow(
    "commit 9 of the hard state is outside of [0, 0]",
  );
});

test("J-22: a change that was handed out before a snapshot came cannot undo its configuration", () => {
  const node = new TestNode({ voters: ["2", "3"], id: "1" });
  const entries = [change(1, "1"), change(2, "4")];
  node.raw.step(message(App, { from: "2", to: "1", term: 1, entries: [change(1, "1")], commit: 1 }));
  node.drain();
  node.raw.step(
    message(App, { from: "2", to: "1", term: 1, index: 1, logTerm: 1, entries: entries.slice(1) }),
  );

  node.raw.step(message(Snap, { from: "2", to: "1", term: 1, snapshot: snapshotAt(5, 1, ["1", "2", "5"]) }));
  node.drain();

  expect(node.raw.confState.voters).toEqual(["1", "2", "5"]);
  expect(node.applied.map((entry) => entry.index)).toEqual([1]);
});

test("J-25: a node that was removed while it was cut off does not keep the others from having a leader", () => {
  const cluster = TestCluster.of(3, { checkQuorum: true, preVote: true, random: pseudoRandom(2) });
  cluster.campaign("1");
  cluster.isolate("3");
  cluster.node("1").raw.proposeConfChange({ id: "0", type: 1, nodeId: id("3"), context: null });
  cluster.settle();
  cluster.heal();
  const { term } = cluster.node("1").raw;

  for (let tick = 0; tick < 200; tick++) {
    for (const node of cluster.nodes.values()) node.raw.tick();
    cluster.settle();
  }

  expect([leaderOf(cluster), cluster.node("1").raw.term]).toEqual(["1", term]);
});

describe("J-24: a crash between two steps of applying a change loses nothing of it and applies it once", () => {
  const STEPS = ["taken", "persisted", "applied", "advanced", "snapshotted", "compacted"] as const;

  /** A member whose leader has committed a change that adds 4; it stops behind `last`. */
  function runUntil(last: (typeof STEPS)[number]): TestNode {
    const node = new TestNode({ log: [1], term: 1, commit: 1 });
    node.drain();
    const entries = [change(2, "4")];
    node.raw.step(message(App, { from: "2", to: "1", term: 1, index: 1, logTerm: 1, entries, commit: 2 }));
    const ready = node.raw.ready();
    const steps = [
      () => undefined,
      () => node.persist(ready),
      () => ready.committedEntries.forEach((entry) => node.apply(entry)),
      () => node.raw.advance(),
      () => node.storage.createSnapshot(2, node.raw.confState, bytes("state")),
      () => node.storage.compact(2),
    ];
    for (const step of steps.slice(0, STEPS.indexOf(last) + 1)) step();
    return node;
  }

  test.for(STEPS)("behind %s", (last) => {
    const crashed = runUntil(last);

    const applied = crashed.storage.snapshot().meta.index;
    const node = new TestNode({ restartFrom: crashed.storage, applied });
    node.drain();
    const wasWritten = last !== "taken";
    // The configuration is that of the committed changes, in the snapshot or behind it, and of nothing else.
    expect(node.raw.confState.voters).toEqual(wasWritten ? ["1", "2", "3", "4"] : ["1", "2", "3"]);

    // The leader sends what it has again.
    const entries = [change(2, "4")];
    node.raw.step(message(App, { from: "2", to: "1", term: 1, index: 1, logTerm: 1, entries, commit: 2 }));
    node.drain();
    expect(node.raw.confState.voters).toEqual(["1", "2", "3", "4"]);
    const changes = node.applied.filter(({ type }) => type === EntryType.ConfChange);
    expect(changes).toHaveLength(["snapshotted", "compacted"].includes(last) ? 0 : 1);
  });
});

test("J-15: a voter that became a learner while it was cut off, and a learner that hears nobody, never lead", () => {
  const cluster = new TestCluster([
    ...["1", "2", "3"].map((one) => new TestNode({ id: one, learners: ["4"] })),
    new TestNode({ id: "4", learners: ["4"] }),
  ]);
  cluster.campaign("1");
  cluster.isolate("3");
  cluster
    .node("1")
    .raw.proposeConfChange({ id: "0", type: ConfChangeType.AddLearner, nodeId: id("3"), context: null });
  cluster.settle();
  cluster.isolate("4");
  expect(cluster.node("3").raw.confState.voters).toContain("3");

  // In its own eyes 3 may still lead: it campaigns again and again, with everyone in reach.
  for (const healed of [false, true]) {
    if (healed) cluster.heal();
    for (let round = 0; round < 5; round++) {
      cluster.node("3").raw.tick(20);
      cluster.node("4").raw.tick(20);
      cluster.settle();

      expect(leaderOf(cluster)).not.toMatch(/[34]/);
    }
  }
});

test("J-26: a node that missed two changes wins no election with the majority it still believes in", () => {
  // 1, 2, 3 become 1 to 5 while 3 is cut off; then 3 can reach only 2.
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.isolate("3");
  for (const added of ["4", "5"]) {
    cluster.nodes.set(id(added), new TestNode({ id: added, voters: [] }));
    cluster.cut.add(`3>${added}`).add(`${added}>3`);
    cluster.node("1").raw.proposeConfChange({ id: "0", type: 0, nodeId: id(added), context: null });
    cluster.settle();
  }
  cluster.cut.delete("3>2");
  cluster.cut.delete("2>3");

  for (let round = 0; round < 3; round++) {
    cluster.node("3").raw.tick(20);
    cluster.settle();
  }

  expect(cluster.node("3").raw.role).not.toBe(Role.Leader);
});

test("J-33, J-43: a stale tail is not committed by a leader that has not proved it", () => {
  const node = new TestNode({ log: [1, 1, 1, 1], term: 2 });

  // The leader's log differs from index 3 on; the message proves only index 2.
  node.raw.step(message(App, { from: "2", to: "1", term: 2, index: 2, logTerm: 1, commit: 4 }));

  expect(node.raw.commit).toBe(2);
});

test("J-01: a leader does not commit by counting what an earlier term left on a majority", () => {
  const node = new TestNode({ log: [1, 1], term: 1 }).lead();
  node.drain();

  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 2, index: 2 }));

  expect(node.raw.commit).toBe(0);
});

test("J-28: a vote is not given to a candidate with an older log because it was asked for before", () => {
  const node = new TestNode({ log: [1, 2], term: 2 });
  const ask = (from: string, index: number, logTerm: number): boolean => {
    node.raw.step(message(MessageType.Vote, { from, to: "1", term: 3, index, logTerm }));
    return node.drain()[0]?.reject === false;
  };

  expect([ask("2", 1, 1), ask("3", 2, 2), ask("2", 9, 2)]).toEqual([false, true, false]);
});

test("J-35: a compaction lets go of the data, although the array behind the log may stay", async () => {
  const storage = new MemoryStorage();
  const payloads: WeakRef<Uint8Array>[] = [];
  for (let index = 1; index <= 64; index++) {
    const data = new Uint8Array(1024);
    payloads.push(new WeakRef(data));
    storage.append([{ term: 1, index, type: EntryType.Normal, data }]);
    // Each compaction leaves two entries; without release the array would hold up to 64 of them.
    if (index > 2) storage.compact(index - 2);
  }

  // What a weak reference was made for in this turn lives until its end.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();

  expect(payloads.filter((payload) => payload.deref() !== undefined).length).toBeLessThanOrEqual(4);
  expect(storage.lastIndex()).toBe(64);
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

test("J-37: a proposal that is dropped says so", () => {
  expect(new TestNode().raw.propose(bytes("x"))).toMatchObject({ ok: false, code: "E_PROPOSAL_DROPPED" });
});
