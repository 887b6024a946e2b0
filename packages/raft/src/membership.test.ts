// Changes of membership as a cluster lives through them: group F of raft-tests.md. The pure part is
// in conf-change.test.ts and tracker.test.ts.

import { describe, expect, test } from "vitest";
import { decodeConfChangeV2, encodeConfChange } from "./codec/index.ts";
import { MessageType } from "./message.ts";
import { bytes, id, message, snapshotAt, TestCluster, TestNode } from "./cluster.test.support.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  Role,
  type ConfChange,
  type ConfChangeV2,
} from "./types.ts";

const { App, AppResp, Heartbeat } = MessageType;
const { AddNode, RemoveNode, AddLearner } = ConfChangeType;

function change(type: ConfChange["type"], nodeId: string): ConfChange {
  return { id: "0", type, nodeId: id(nodeId), context: null };
}

function joint(
  changes: readonly (readonly [ConfChange["type"], string])[],
  transition: ConfChangeV2["transition"] = ConfChangeTransition.Auto,
): ConfChangeV2 {
  return {
    transition,
    changes: changes.map(([type, nodeId]) => ({ type, nodeId: id(nodeId) })),
    context: null,
  };
}

const LEAVE = joint([]);

function ledCluster(count = 3): { cluster: TestCluster; lead: TestNode } {
  const cluster = TestCluster.of(count);
  cluster.campaign("1");
  return { cluster, lead: cluster.node("1") };
}

/** A leader that has the answers of the given nodes to everything it has appended. */
function acknowledgeAll(node: TestNode, froms: readonly string[]): void {
  const { term, lastIndex: index } = node.raw.status();
  for (const from of froms) node.raw.step(message(AppResp, { from, to: node.id, term, index }));
}

function lastEntry(node: TestNode): unknown {
  const { lastIndex } = node.raw.status();
  const { type, data } = node.raw.entries(lastIndex, lastIndex + 1)[0]!;
  return { type, data };
}

const NO_OP = { type: EntryType.Normal, data: null };

test("F-01: an added voter is in the configuration when the change is applied, and is probed at once", () => {
  const node = new TestNode().lead();
  node.drain();
  node.raw.proposeConfChange(change(AddNode, "4"));
  acknowledgeAll(node, ["2"]);
  const { lastIndex } = node.raw.status();

  const sent = node.drain();

  expect(node.raw.confState.voters).toEqual(["1", "2", "3", "4"]);
  expect(sent.filter((one) => one.to === "4")).toMatchObject([{ type: App, index: lastIndex - 1 }]);
});

test("F-02, F-03: a second change before the first is applied becomes a no-op, the next one is taken", () => {
  const { cluster, lead } = ledCluster();
  lead.raw.proposeConfChange(change(AddNode, "4"));
  const index = lead.raw.status().lastIndex;

  expect(lead.raw.proposeConfChange(change(AddNode, "5"))).toMatchObject({ ok: true, index: index + 1 });
  expect(lastEntry(lead)).toEqual(NO_OP);
  cluster.settle();
  lead.raw.proposeConfChange(change(AddNode, "5"));
  expect(lastEntry(lead)).not.toEqual(NO_OP);
});

test("F-04, F-40: a new leader takes no change before its tail is applied", () => {
  const node = new TestNode({ log: [1, 1], term: 1 }).lead();
  expect(node.raw.status().pendingConfIndex).toBe(2);

  node.raw.proposeConfChange(change(AddNode, "4"));
  expect(lastEntry(node)).toEqual(NO_OP);

  node.drain();
  acknowledgeAll(node, ["2"]);
  node.drain();
  node.raw.proposeConfChange(change(AddNode, "4"));
  expect(lastEntry(node)).not.toEqual(NO_OP);
});

test("F-05, F-11: a change that changes nothing keeps all progress and lets the next one in", () => {
  const { cluster, lead } = ledCluster();
  const before = lead.raw.status().progress;

  for (const nodeId of ["2", "0"]) {
    lead.raw.proposeConfChange(change(AddNode, nodeId));
    expect(lastEntry(lead)).not.toEqual(NO_OP);
    cluster.settle();
  }

  expect(Object.keys(lead.raw.status().progress ?? {})).toEqual(Object.keys(before ?? {}));
  expect(lead.raw.confState.voters).toEqual(["1", "2", "3"]);
});

test("F-06: with a voter removed, what the smaller majority has is committed and told at once", () => {
  const node = new TestNode({ voters: ["1", "2", "3", "4"], log: [1], term: 1, commit: 1 }).lead();
  node.drain();
  acknowledgeAll(node, ["2"]);
  expect(node.raw.commit).toBe(1);
  node.drain();

  node.raw.applyConfChange(change(RemoveNode, "4"));

  expect(node.raw.commit).toBe(2);
  expect(node.drain().map((one) => [one.to, one.commit])).toContainEqual(["2", 2]);
});

test.for([true, false])("F-07: a leader that is removed, with stepDownOnRemoval %s", (stepDownOnRemoval) => {
  const cluster = TestCluster.of(3, { stepDownOnRemoval });
  cluster.campaign("1");
  const lead = cluster.node("1");

  lead.raw.proposeConfChange(change(RemoveNode, "1"));
  cluster.settle();

  expect(lead.raw.role).toBe(stepDownOnRemoval ? Role.Follower : Role.Leader);
  expect(lead.raw.propose(bytes("x")).ok).toBe(false);
  if (stepDownOnRemoval) return;
  lead.raw.tick();
  expect(lead.drain().map((one) => [one.type, one.to])).toEqual([
    [Heartbeat, "2"],
    [Heartbeat, "3"],
  ]);
});

test("F-08: a leader that is left alone commits alone", () => {
  const { cluster, lead } = ledCluster(2);
  lead.raw.proposeConfChange(change(RemoveNode, "2"));
  cluster.settle();
  cluster.isolate("1");

  cluster.propose("1", "alone");

  expect(lead.applied.at(-1)?.data).toEqual(bytes("alone"));
});

test("F-09, J-39: removing the last voter has no effect, and every replica goes on", () => {
  const node = new TestNode({ voters: ["1"] }).lead();
  node.drain();

  const result = node.raw.applyConfChange(change(RemoveNode, "1"));

  expect(result.error).toMatchObject({ code: "E_CONF_CHANGE" });
  expect(result.confState.voters).toEqual(["1"]);
  node.raw.propose(bytes("x"));
  node.drain();
  expect(node.applied.at(-1)?.data).toEqual(bytes("x"));
});

test("F-12: applying a bootstrap list again changes nothing", () => {
  const node = new TestNode({ voters: [] });
  node.raw.bootstrap(["1", "2", "3"].map((one) => ({ id: id(one) })));
  const before = node.raw.confState;

  node.drain();

  expect(node.applied).toHaveLength(3);
  expect(node.raw.confState).toEqual(before);
});

test("F-13, J-23: a restart goes from the snapshot's configuration through the changes behind it", () => {
  const node = new TestNode({ voters: [] });
  node.storage.applySnapshot(snapshotAt(5, 1, ["1", "2"]));
  const data = encodeConfChange(change(AddNode, "3"));
  node.storage.append([{ term: 1, index: 6, type: EntryType.ConfChange, data }]);
  node.storage.setHardState({ term: 1, vote: id("0"), commit: 6 });

  const restarted = new TestNode({ wrap: () => node.storage });
  expect(restarted.raw.confState.voters).toEqual(["1", "2"]);
  restarted.raw.ready().committedEntries.forEach((entry) => restarted.apply(entry));

  expect(restarted.raw.confState.voters).toEqual(["1", "2", "3"]);
});

test("F-14, J-06: a restart with applied past a change does not hand it out again", () => {
  const node = new TestNode({ log: [1, 1, 1], commit: 3, applied: 2 });

  node.drain();

  expect(node.applied.map((entry) => entry.index)).toEqual([3]);
  expect(node.raw.applied).toBe(3);
});

test("F-15: a change that is committed and not applied when its leader dies is applied by the next", () => {
  const { cluster, lead } = ledCluster();
  lead.raw.proposeConfChange(change(AddNode, "4"));
  const ready = lead.raw.ready();
  for (const one of ready.messages) cluster.nodes.get(one.to)?.raw.step(one);
  cluster.isolate("1");
  cluster.settle();

  cluster.campaign("2");

  expect(cluster.node("2").raw.confState.voters).toEqual(["1", "2", "3", "4"]);
});

test("F-16, F-17: a learner gets everything and counts for nothing, until it is promoted", () => {
  const node = new TestNode({ voters: ["1", "2"], learners: ["3"], term: 1 }).lead();
  node.drain();
  acknowledgeAll(node, ["3"]);
  expect(node.raw.commit).toBe(0);
  node.raw.tick();
  expect(node.drain().filter((one) => one.type === Heartbeat)).toHaveLength(2);

  acknowledgeAll(node, ["2"]);
  node.drain();
  node.raw.applyConfChange(change(AddNode, "3"));

  expect(node.raw.status().progress?.[id("3")]).toMatchObject({ learner: false, match: 1 });
  node.raw.propose(bytes("x"));
  node.drain();
  acknowledgeAll(node, ["3"]);
  expect(node.raw.commit).toBe(2);
});

test("F-20: a forged V1 form with two differences cannot exist, and a V2 form with two goes joint", () => {
  const { cluster, lead } = ledCluster();

  lead.raw.proposeConfChange(
    joint(
      [
        [AddNode, "4"],
        [RemoveNode, "3"],
      ],
      ConfChangeTransition.JointExplicit,
    ),
  );
  cluster.settle();

  expect(lead.raw.confState).toMatchObject({ voters: ["1", "2", "4"], votersOutgoing: ["1", "2", "3"] });
});

describe("joint configurations", () => {
  test("F-21: commits need both halves until the joint configuration is left", () => {
    const { cluster, lead } = ledCluster();
    const explicit = joint(
      [
        [AddNode, "4"],
        [AddNode, "5"],
        [RemoveNode, "2"],
        [RemoveNode, "3"],
      ],
      2,
    );
    lead.raw.proposeConfChange(explicit);
    cluster.settle();
    cluster.propose("1", "waits");
    const { commit, lastIndex } = lead.raw.status();
    expect(commit).toBe(lastIndex - 1);

    for (const one of ["4", "5"])
      cluster.nodes.set(id(one), new TestNode({ id: one, voters: ["1", "2", "3"] }));
    lead.raw.tick();
    cluster.settle();
    lead.raw.tick();
    cluster.settle();
    expect(lead.raw.commit).toBe(lastIndex);

    lead.raw.proposeConfChange(LEAVE);
    cluster.settle();
    expect(lead.raw.confState).toMatchObject({ voters: ["1", "4", "5"], votersOutgoing: [] });
  });

  test("F-22, F-25: an automatic one is left by an entry of the leader, once", () => {
    const { cluster, lead } = ledCluster();

    lead.raw.proposeConfChange(
      joint([
        [AddLearner, "3"],
        [AddLearner, "2"],
      ]),
    );
    cluster.settle();

    expect(lead.raw.confState).toMatchObject({ voters: ["1"], learners: ["2", "3"], votersOutgoing: [] });
    const leaves = lead.applied.filter(({ type, data }) => type === EntryType.ConfChangeV2 && data === null);
    expect(leaves).toHaveLength(1);
    expect(decodeConfChangeV2(new Uint8Array(0))).toEqual(LEAVE);
  });

  test("F-23, J-42: leaving that a transfer has prevented is tried again", () => {
    const node = new TestNode().lead();
    node.drain();
    acknowledgeAll(node, ["2"]);
    node.drain();
    node.raw.proposeConfChange(
      joint([
        [AddNode, "4"],
        [RemoveNode, "3"],
      ]),
    );
    node.drain();
    node.raw.transferLeader(id("3"));
    acknowledgeAll(node, ["2"]);
    node.drain();
    expect(node.raw.confState.autoLeave).toBe(true);
    const { lastIndex } = node.raw.status();

    node.raw.tick(10);
    node.raw.propose(bytes("x"));
    acknowledgeAll(node, ["2", "3"]);
    node.drain();

    expect(node.raw.status().lastIndex).toBe(lastIndex + 2);
    expect(lastEntry(node)).toEqual({ type: EntryType.ConfChangeV2, data: null });
  });

  test("F-24: one whose leader dies is left by the next leader", () => {
    const cluster = TestCluster.of(3);
    cluster.campaign("1");
    const lead = cluster.node("1");
    lead.raw.proposeConfChange(
      joint([
        [AddNode, "4"],
        [RemoveNode, "3"],
      ]),
    );
    for (let i = 0; i < 2; i++) {
      for (const one of lead.drain()) cluster.nodes.get(one.to)?.raw.step(one);
      for (const one of cluster.node("2").drain()) lead.raw.step(one);
    }
    cluster.isolate("1");
    cluster.settle();

    const { confState } = cluster.node("2").raw;
    cluster.nodes.set(id("4"), new TestNode({ id: "4", voters: ["1", "2", "3"] }));
    cluster.campaign("2");
    for (let i = 0; i < 3; i++) {
      cluster.node("2").raw.tick();
      cluster.settle();
    }

    expect(confState.votersOutgoing).toEqual(["1", "2", "3"]);
    expect(cluster.node("2").raw.role).toBe(Role.Leader);
    expect(cluster.node("2").raw.confState).toMatchObject({ voters: ["1", "2", "4"], votersOutgoing: [] });
  });

  test("F-26, F-27: any other change while joint, and a leave while not, become no-ops", () => {
    const { cluster, lead } = ledCluster();
    lead.raw.proposeConfChange(LEAVE);
    expect(lastEntry(lead)).toEqual(NO_OP);

    lead.raw.proposeConfChange(joint([[AddLearner, "3"]], ConfChangeTransition.JointExplicit));
    cluster.settle();
    lead.raw.proposeConfChange(change(AddNode, "4"));

    expect(lastEntry(lead)).toEqual(NO_OP);
  });

  test("F-33: a leader that is replaced steps down exactly when the outgoing half is left", () => {
    const cluster = TestCluster.of(3, { stepDownOnRemoval: true });
    cluster.campaign("1");
    const lead = cluster.node("1");
    lead.raw.proposeConfChange(joint([[RemoveNode, "1"]], ConfChangeTransition.JointExplicit));
    cluster.settle();
    expect(lead.raw.role).toBe(Role.Leader);

    lead.raw.proposeConfChange(LEAVE);
    cluster.settle();
    expect(lead.raw.role).toBe(Role.Follower);
  });

  test("F-34: three voters are replaced by three others with one old node down", () => {
    const { cluster, lead } = ledCluster();
    cluster.isolate("3");
    for (const one of ["4", "5", "6"]) {
      cluster.nodes.set(id(one), new TestNode({ id: one, voters: ["1", "2", "3"] }));
      cluster.cut.add(`3>${one}`).add(`${one}>3`);
    }
    lead.raw.proposeConfChange(
      joint([
        [AddNode, "4"],
        [AddNode, "5"],
        [AddNode, "6"],
        [RemoveNode, "1"],
        [RemoveNode, "2"],
        [RemoveNode, "3"],
      ]),
    );

    for (let i = 0; i < 4; i++) {
      cluster.settle();
      lead.raw.tick();
    }
    cluster.settle();

    expect(cluster.node("4").raw.confState).toMatchObject({ voters: ["4", "5", "6"], votersOutgoing: [] });
  });
});

/** 1, 2, 3 became 1 to 5 while 3 was cut off: it still believes in a majority of two of three. */
function grown(): TestCluster {
  const { cluster } = ledCluster();
  cluster.isolate("3");
  for (const added of ["4", "5"]) {
    cluster.nodes.set(id(added), new TestNode({ id: added, voters: ["1", "2", "3"] }));
    cluster.cut.add(`3>${added}`).add(`${added}>3`);
    cluster.node("1").raw.proposeConfChange(change(AddNode, added));
    cluster.settle();
    cluster.node("1").raw.tick();
    cluster.settle();
  }
  return cluster;
}

describe("F-38: with a voter that missed two changes, no way to part the members makes two majorities", () => {
  const ids = ["1", "2", "3", "4", "5"];

  function part(cluster: TestCluster, side: ReadonlySet<string>): void {
    cluster.heal();
    for (const a of ids) for (const b of ids) if (side.has(a) !== side.has(b)) cluster.cut.add(`${a}>${b}`);
  }

  const sides = Array.from({ length: 16 }, (_, bits) => [
    "3",
    ...["1", "2", "4", "5"].filter((_one, i) => bits & (1 << i)),
  ]);

  test.for(sides.map((side) => [side.join(" "), new Set(side)] as const))(
    "%s apart from the others",
    ([, side]) => {
      const cluster = grown();
      const before = cluster.node("1").raw.commit;
      part(cluster, side);

      for (let round = 0; round < 3; round++) {
        for (const one of ids) {
          cluster.campaign(one);
          cluster.node(one).raw.propose(bytes(`${one} ${round}`));
          cluster.settle();
        }
      }

      const committing = [side, new Set(ids.filter((one) => !side.has(one)))].filter((half) =>
        [...half].some((one) => cluster.node(one).raw.commit > before),
      );
      // Three of five can go on, and nobody else.
      expect(committing).toHaveLength(1);
      expect(committing[0]!.size).toBeGreaterThanOrEqual(3);
      cluster.heal();
      const [first, ...others] = [...cluster.nodes.values()].map((node) => node.applied);
      const applied = (entries: typeof first): string[] =>
        (entries ?? []).map(({ index, term, data }) => `${index} ${term} ${data?.join(" ") ?? ""}`);
      for (const other of others) {
        const length = Math.min(applied(first).length, other.length);
        expect(applied(other).slice(0, length)).toEqual(applied(first).slice(0, length));
      }
    },
  );
});

test("F-37: without validation anything is appended, and a bad change fails when it is applied", () => {
  const cluster = TestCluster.of(3, { disableConfChangeValidation: true });
  cluster.campaign("1");
  const lead = cluster.node("1");

  lead.raw.proposeConfChange(LEAVE);
  expect(lastEntry(lead)).not.toEqual(NO_OP);
  cluster.settle();

  expect(lead.raw.applyConfChange(LEAVE).error).toMatchObject({ code: "E_CONF_CHANGE" });
  expect(lead.raw.failure).toBeNull();
});

test("F-39: a node with empty storage gets the whole log from the beginning", () => {
  const { cluster, lead } = ledCluster();
  cluster.propose("1", "x");
  cluster.nodes.set(id("4"), new TestNode({ id: "4", voters: [] }));

  lead.raw.proposeConfChange(change(AddNode, "4"));
  cluster.settle();

  expect(cluster.node("4").terms()).toEqual(lead.terms());
  expect(cluster.node("4").raw.commit).toBe(lead.raw.commit);
});

test.for([
  ["a learner", change(AddLearner, "4")],
  ["a V2 form", joint([[AddNode, "4"]])],
] as const)("F-41: with etcd 2.x members %s is refused and nothing is appended", ([, refused]) => {
  const node = new TestNode({ compat: "etcd2" }).lead();
  node.drain();
  acknowledgeAll(node, ["2", "3"]);
  node.drain();
  const { lastIndex } = node.raw.status();

  expect(node.raw.proposeConfChange(refused)).toMatchObject({ ok: false, code: "E_CONF_CHANGE" });

  expect(node.raw.status().lastIndex).toBe(lastIndex);
  expect(node.raw.proposeConfChange(change(AddNode, "4")).ok).toBe(true);
});

test("a change that another member forwards in damaged bytes becomes a no-op", () => {
  const { lead } = ledCluster();
  const entries = [{ term: 0, index: 0, type: EntryType.ConfChange, data: bytes("\u0007damaged") }];

  lead.raw.step(message(MessageType.Prop, { from: "2", to: "1", entries }));

  expect(lastEntry(lead)).toEqual(NO_OP);
});
