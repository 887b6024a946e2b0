// Ready and Advance, synchronous and asynchronous: group I of raft-tests.md.

import { describe, expect, test } from "vitest";
import { entrySize } from "./codec/index.ts";
import { MessageType, type Message } from "./message.ts";
import { APPEND_WORKER, APPLY_WORKER, type AppendRequest, type Ready } from "./ready.ts";
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
  type NodeSetup,
} from "./cluster.test.support.ts";
import { Role } from "./types.ts";

const { App, AppResp, Heartbeat, Snap, StorageAppendResp, Vote, VoteResp } = MessageType;

function append(node: TestNode, fields: Parameters<typeof message>[1]): void {
  node.raw.step(message(App, { from: "2", to: "1", ...fields }));
}

/** Freezes everything in a Ready, so that a later change of it throws. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return;
  Object.freeze(value);
  Object.values(value).forEach(freeze);
}

function isEmpty(ready: Ready): boolean {
  const lists = [ready.entries, ready.committedEntries, ready.messages, ready.readStates];
  const values = [ready.softState, ready.hardState, ready.snapshot, ready.appendRequest, ready.applyRequest];
  return lists.every((list) => list.length === 0) && values.every((value) => value === null);
}

test("I-01: a new node that has nothing to do is not ready", () => {
  expect(new TestNode().raw.hasReady()).toBe(false);
});

test("I-02, I-27: a node is ready exactly if its Ready carries something, and nothing in it changes later", () => {
  const random = pseudoRandom(11);
  const cluster = TestCluster.of(3, { random, checkQuorum: true, preVote: true });
  const nodes = [...cluster.nodes.values()];

  for (let step = 0; step < 2_000; step++) {
    const node = nodes[random(3)]!;
    if (random(3) === 0) node.raw.tick(random(12));
    if (random(3) === 0) node.raw.propose(bytes(`${step}`));
    if (!node.raw.hasReady()) {
      const before = node.raw.status();
      expect(isEmpty(node.raw.ready())).toBe(true);
      node.raw.advance();
      expect(node.raw.status()).toEqual(before);
      continue;
    }
    const ready = node.raw.ready();
    expect(isEmpty(ready)).toBe(false);
    freeze(ready);
    node.persist(ready);
    for (const entry of ready.committedEntries) node.apply(entry);
    node.raw.advance(ready);
    for (const one of node.sent.splice(0)) if (random(10) > 0) cluster.nodes.get(one.to)?.raw.step(one);
  }

  expect(Math.max(...nodes.map((node) => node.raw.commit))).toBeGreaterThan(10);
});

test("I-03: soft and hard state are there only if they changed, and the commit index alone need not be synced", () => {
  const node = new TestNode();
  append(node, { term: 1, entries: [entryAt(1, 1)] });

  const first = node.handle();
  expect(first).toMatchObject({ softState: { role: Role.Follower, lead: "2" }, mustSync: true });
  expect(first.hardState).toEqual({ term: 1, vote: "0", commit: 0 });

  append(node, { term: 1, index: 1, logTerm: 1, commit: 1 });
  const second = node.handle();
  expect(second).toMatchObject({ softState: null, hardState: { commit: 1 }, mustSync: false });

  node.raw.step(message(Heartbeat, { from: "3", to: "1", term: 2 }));
  expect(node.handle()).toMatchObject({ hardState: { term: 2, vote: "0" }, mustSync: true, entries: [] });

  node.raw.step(message(Heartbeat, { from: "3", to: "1", term: 3 }));
  node.raw.forgetLeader();
  node.handle();
  node.raw.step(message(Vote, { from: "3", to: "1", term: 3, index: 1, logTerm: 1 }));
  expect(node.handle()).toMatchObject({ hardState: { term: 3, vote: "3" }, mustSync: true, entries: [] });
});

test("I-04, J-04: the first Ready of a bootstrapped node has its hard state, entries and changes", () => {
  const node = new TestNode({ voters: [] });
  const context = bytes("member");
  node.raw.bootstrap([{ id: id("1"), context }, { id: id("2") }]);

  const ready = node.raw.ready();

  expect(ready.hardState).toEqual({ term: 1, vote: "0", commit: 2 });
  expect(ready.entries.map((entry) => [entry.index, entry.term, entry.type])).toEqual([
    [1, 1, 1],
    [2, 1, 1],
  ]);
  expect(ready.committedEntries).toEqual(ready.entries);
  node.persist(ready);
  const restarted = new TestNode({ voters: [], wrap: () => node.storage });
  expect([restarted.raw.commit, restarted.raw.applied]).toEqual([2, 0]);
});

test("bootstrap is for empty nodes and needs members", () => {
  expect(() => new TestNode({ log: [1] }).raw.bootstrap([{ id: id("1") }])).toThrow("only an empty node");
  expect(() => new TestNode().raw.bootstrap([])).toThrow("at least one member");
});

test("I-05: a restarted node gets what is committed and not applied, and no hard state", () => {
  const node = new TestNode({ log: [1, 1, 1], commit: 2 });

  const ready = node.raw.ready();

  expect(ready).toMatchObject({ hardState: null, softState: null, entries: [], mustSync: false });
  expect(ready.committedEntries.map((entry) => entry.index)).toEqual([1, 2]);
});

test("I-06: a node restarted from a snapshot begins behind it", () => {
  const node = new TestNode();
  node.storage.applySnapshot(snapshotAt(5, 1, ["1", "2"]));
  node.storage.setHardState({ term: 1, vote: id("0"), commit: 5 });

  const restarted = new TestNode({ wrap: () => node.storage, applied: 5 });

  expect([restarted.raw.applied, restarted.raw.hasReady()]).toEqual([5, false]);
});

describe("I-07: out of order", () => {
  test("ready twice is fatal", () => {
    const { raw } = new TestNode();
    raw.tick(10);
    raw.ready();

    expect(() => raw.ready()).toThrow("ready was called twice");
    expect(() => raw.tick()).toThrow("ready was called twice");
  });

  test("advance without ready, or with another one, is fatal", () => {
    expect(() => new TestNode().raw.advance()).toThrow("without ready");
    const { raw } = new TestNode();
    const ready = raw.ready();
    expect(() => raw.advance({ ...ready })).toThrow("another Ready");
  });
});

test("I-08: what is sent while a Ready is out is in the next one", () => {
  const node = new TestNode({ voters: ["1", "2"] }).lead();
  const ready = node.raw.ready();
  const before = [...ready.messages];

  node.raw.tick();
  expect(ready.messages).toEqual(before);
  node.persist(ready);
  node.raw.advance();

  expect(node.raw.ready().messages.map((one) => one.type)).toContain(Heartbeat);
});

test("I-09: entries that come while a Ready is out are not confirmed by its advance", () => {
  const node = new TestNode();
  append(node, { term: 1, entries: [entryAt(1, 1)] });
  const ready = node.raw.ready();
  append(node, { term: 1, index: 1, logTerm: 1, entries: [entryAt(2, 1)] });

  node.persist(ready);
  node.raw.advance();

  expect(node.raw.status().unstableOffset).toBe(2);
  expect(node.raw.ready().entries.map((entry) => entry.index)).toEqual([2]);
});

test("I-10, J-34: entries that are overwritten while a Ready is out are not confirmed by its advance", () => {
  const node = new TestNode();
  append(node, { term: 1, entries: entriesOf([1, 1]) });
  const ready = node.raw.ready();
  append(node, { term: 2, from: "3", entries: entriesOf([2, 2]) });
  expect(ready.entries.map((entry) => entry.term)).toEqual([1, 1]);

  node.persist(ready);
  node.raw.advance();

  expect(node.raw.status().unstableOffset).toBe(1);
  expect(node.raw.ready().entries.map((entry) => entry.term)).toEqual([2, 2]);
});

test("I-11: a leader's append leaves with its entries, a follower's answer with the entries it is about", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");
  cluster.node("1").raw.propose(bytes("x"));

  const ready = cluster.node("1").raw.ready();
  expect(ready.entries).toHaveLength(1);
  expect(ready.messages.map((one) => one.type)).toEqual([App, App]);

  cluster.node("2").raw.step(ready.messages[0]!);
  const answer = cluster.node("2").raw.ready();
  expect(answer.entries).toEqual(ready.entries);
  expect(answer.messages).toMatchObject([{ type: AppResp, index: 2 }]);
});

test("I-12: two appends before a Ready are answered in it, in order", () => {
  const node = new TestNode();
  append(node, { term: 1, entries: [entryAt(1, 1)] });
  append(node, { term: 1, index: 1, logTerm: 1, entries: [entryAt(2, 1)] });

  expect(node.raw.ready().messages.map((one) => one.index)).toEqual([1, 2]);
});

test("I-13: a vote leaves in the Ready that has it as hard state", () => {
  const node = new TestNode();
  node.raw.step(message(Vote, { from: "2", to: "1", term: 3 }));

  const ready = node.raw.ready();

  expect(ready.hardState).toEqual({ term: 3, vote: "2", commit: 0 });
  expect(ready.messages).toMatchObject([{ type: VoteResp, to: "2" }]);
});

test("committed entries below the first new entry are stable already, the others are in both lists", () => {
  const node = new TestNode({ voters: ["1", "2"] }).lead();
  node.drain();
  node.raw.propose(bytes("stable"));
  node.handle();
  node.raw.step(message(AppResp, { from: "2", to: "1", term: 1, index: 2 }));
  node.raw.propose(bytes("new"));

  const ready = node.raw.ready();

  expect(ready.entries.map((entry) => entry.index)).toEqual([3]);
  expect(ready.committedEntries.map((entry) => entry.index)).toEqual([1, 2]);
  expect(ready.committedEntries.every((entry) => entry.index < ready.entries[0]!.index)).toBe(true);
});

describe("I-14, I-15, I-16: committed entries come in pieces of limited size", () => {
  const data = "x".repeat(32);
  const log = [1, 1, 1];

  function node(count: number, limit: number): TestNode {
    const one = new TestNode({ voters: ["1"], maxCommittedSizePerReady: limit });
    one.storage.append(log.slice(0, count).map((term, i) => entryAt(i + 1, term, data)));
    one.storage.setHardState({ term: 1, vote: id("0"), commit: count });
    return new TestNode({ voters: ["1"], maxCommittedSizePerReady: limit, wrap: () => one.storage });
  }

  test.for([
    [100, [[1, 2], [3]]],
    [39, [[1], [2], [3]]],
    [120, [[1, 2, 3]]],
  ] as const)("of %i bytes: %o", ([limit, pieces]) => {
    expect(entrySize(entryAt(1, 1, data))).toBe(40);
    const restarted = node(3, limit);
    const got: number[][] = [];

    while (restarted.raw.hasReady())
      got.push(restarted.handle().committedEntries.map((entry) => entry.index));

    expect(got).toEqual(pieces);
  });
});

test("I-17: a single node hands nothing out as committed before it is durable", () => {
  const node = new TestNode({ voters: ["1"] }).lead();
  node.drain();
  node.raw.propose(bytes("x"));

  expect(node.handle()).toMatchObject({ entries: [{ index: 2 }], committedEntries: [] });
  expect(node.handle()).toMatchObject({ entries: [], committedEntries: [{ index: 2 }] });
});

describe("asynchronous storage writes", () => {
  /** Handles the requests of one node when it is told to. */
  class Workers {
    readonly node: TestNode;
    readonly appends: AppendRequest[] = [];
    readonly applies: Ready["applyRequest"][] = [];
    readonly sent: Message[] = [];

    constructor(setup: NodeSetup = {}) {
      this.node = new TestNode({ asyncStorageWrites: true, ...setup });
    }

    take(): Ready {
      const ready = this.node.raw.ready();
      this.sent.push(...ready.messages);
      if (ready.appendRequest !== null) this.appends.push(ready.appendRequest);
      if (ready.applyRequest !== null) this.applies.push(ready.applyRequest);
      return ready;
    }

    append(): void {
      const request = this.appends.shift();
      if (request === undefined) throw new Error("there is nothing to append");
      if (request.snapshot !== null) this.node.storage.applySnapshot(request.snapshot);
      if (request.hardState !== null) this.node.storage.setHardState(request.hardState);
      this.node.storage.append(request.entries);
      for (const response of request.responses) {
        if (response.to === this.node.id) this.node.raw.step(response);
        else this.sent.push(response);
      }
    }

    apply(): void {
      const request = this.applies.shift();
      if (request === undefined || request === null) throw new Error("there is nothing to apply");
      for (const entry of request.entries) this.node.apply(entry);
      this.node.raw.step(request.response);
    }
  }

  test("I-18: what waits for the disk travels in the append request and nowhere else", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: [entryAt(1, 1)] });

    const ready = workers.take();

    expect(ready.messages).toEqual([]);
    expect(ready.appendRequest).toMatchObject({ hardState: { term: 1 }, entries: [{ index: 1 }] });
    expect(ready.appendRequest?.responses.map((one) => [one.type, one.to, one.from])).toEqual([
      [AppResp, "2", "1"],
      [StorageAppendResp, "1", APPEND_WORKER],
    ]);
  });

  test("I-19, I-24: only entries that are stable here are handed to the apply worker", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: entriesOf([1, 1]), commit: 2 });
    expect(workers.take().committedEntries).toEqual([]);

    workers.append();
    const ready = workers.take();
    expect(ready.applyRequest?.entries.map((entry) => entry.index)).toEqual([1, 2]);
    expect(ready.applyRequest?.response.from).toBe(APPLY_WORKER);
    expect(workers.node.raw.applied).toBe(0);

    workers.apply();
    expect(workers.node.raw.applied).toBe(2);
  });

  test("I-20: each completion makes stable exactly what was in the log when its request was made", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: [entryAt(1, 1)] });
    workers.take();
    append(workers.node, { term: 1, index: 1, logTerm: 1, entries: [entryAt(2, 1)] });
    workers.take();

    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(2);
    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(3);
  });

  test("I-21: a completion of entries that were overwritten in a later term makes nothing stable", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: entriesOf([1, 1]) });
    workers.take();
    append(workers.node, { term: 2, from: "3", entries: entriesOf([2, 2]) });

    workers.append();

    expect(workers.node.raw.status().unstableOffset).toBe(1);
    workers.take();
    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(3);
  });

  test("I-21: a late completion makes nothing stable, even if the same entry is back in the log", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: entriesOf([1, 1]) });
    workers.take();
    append(workers.node, { term: 2, from: "3", entries: entriesOf([2, 2]) });
    workers.take();
    // The leader of term 3 has the entries of term 1. On disk the ones of term 2 come in between.
    append(workers.node, { term: 3, entries: entriesOf([1, 1]) });
    workers.take();

    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(1);
    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(1);
    workers.append();
    expect(workers.node.raw.status().unstableOffset).toBe(3);
  });

  test("I-22: a snapshot that was installed counts although the term has changed since", () => {
    const workers = new Workers({ voters: [] });
    workers.node.raw.step(
      message(Snap, { from: "2", to: "1", term: 1, snapshot: snapshotAt(5, 1, ["1", "2"]) }),
    );
    workers.take();
    workers.node.raw.step(message(Heartbeat, { from: "3", to: "1", term: 2 }));

    workers.append();

    expect(workers.node.raw.applied).toBe(5);
    workers.node.raw.campaign();
    expect(workers.node.raw.role).toBe(Role.Candidate);
  });

  test("I-23: a leader's own copy counts only when it is durable, and two followers do without it", () => {
    const workers = new Workers();
    const { raw } = workers.node;
    raw.campaign();
    workers.take();
    workers.append();
    raw.step(message(VoteResp, { from: "2", to: "1", term: 1 }));
    workers.take();

    raw.step(message(AppResp, { from: "2", to: "1", term: 1, index: 1 }));
    expect(raw.commit).toBe(0);
    raw.step(message(AppResp, { from: "3", to: "1", term: 1, index: 1 }));
    expect(raw.commit).toBe(1);
  });

  test("I-25: after a crash with requests unprocessed nothing that was promised is missing", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: [entryAt(1, 1)] });
    workers.take();
    append(workers.node, { term: 1, index: 1, logTerm: 1, entries: [entryAt(2, 1)] });
    workers.take();
    workers.append();

    const promised = workers.sent.filter((one) => one.type === AppResp).map((one) => one.index);

    expect(promised).toEqual([1]);
    expect(workers.node.storage.lastIndex()).toBe(1);
  });

  test("I-26: advance is an error", () => {
    const workers = new Workers();
    append(workers.node, { term: 1, entries: [entryAt(1, 1)] });
    workers.take();

    expect(() => workers.node.raw.advance()).toThrow("without ready");
  });
});

test("I-28: the status is plain data and the same when nothing happens", () => {
  const node = new TestNode().lead();

  const status = node.raw.status();

  expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  expect(node.raw.status()).toEqual(status);
});

function run(): string {
  const random = pseudoRandom(5);
  const cluster = TestCluster.of(3, { random, checkQuorum: true, preVote: true });
  const log: unknown[] = [];
  for (let step = 0; step < 300; step++) {
    const node = cluster.node(`${1 + random(3)}`);
    node.raw.tick(random(5));
    node.raw.propose(bytes(`${step}`));
    cluster.settle();
    log.push(node.raw.status());
  }
  return JSON.stringify(log);
}

test("I-29: the same inputs give the same outputs", () => {
  expect(run()).toBe(run());
});
