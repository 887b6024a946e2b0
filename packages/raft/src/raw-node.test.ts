import { describe, expect, test } from "vitest";
import { RaftError } from "./errors.ts";
import { isKnownToEtcd2, MessageType, type Message } from "./message.ts";
import { APPEND_WORKER } from "./ready.ts";
import type { Storage } from "./storage.ts";
import type { TraceEvent } from "./trace.ts";
import { bytes, entryAt, id, message, snapshotAt, TestCluster, TestNode } from "./cluster.test.support.ts";
import { Role } from "./types.ts";

const { App, AppResp, Beat, CheckQuorum, Heartbeat, HeartbeatResp, Hup, PreVoteResp, ReadIndexResp } =
  MessageType;
const { SnapStatus, StorageAppend, StorageAppendResp, StorageApply, StorageApplyResp } = MessageType;
const { Unreachable, Vote, VoteResp } = MessageType;

test("A-31: a single node becomes leader when its vote is durable, and commits when its entry is", () => {
  const node = new TestNode({ voters: ["1"] });

  node.raw.campaign();
  const election = node.raw.ready();

  expect(node.raw.role).toBe(Role.Candidate);
  expect(election.hardState).toEqual({ term: 1, vote: "1", commit: 0 });

  node.persist(election);
  node.raw.advance();
  expect(node.raw.role).toBe(Role.Leader);
  expect(node.raw.commit).toBe(0);

  node.handle();
  expect(node.raw.commit).toBe(1);
});

test("A-15: a proposal is applied once on every node when a majority has it", () => {
  const cluster = TestCluster.of(3);
  cluster.campaign("1");

  cluster.propose("1", "x");

  for (const node of cluster.nodes.values()) {
    expect(node.applied.map((entry) => entry.data)).toEqual([null, bytes("x")]);
    expect(node.raw.commit).toBe(2);
  }
});

test("a batch is one append and one broadcast, with consecutive indexes", () => {
  const node = new TestNode().lead();
  node.drain();
  for (const from of ["2", "3"]) node.raw.step(message(AppResp, { from, to: "1", term: 1, index: 1 }));
  node.drain();

  const result = node.raw.proposeBatch(["a", "b", "c"].map(bytes));

  expect(result).toEqual({ ok: true, forwarded: false, index: 2, term: 1 });
  const sent = node.drain();
  expect(sent.map((one) => one.entries.map((entry) => entry.index))).toEqual([
    [2, 3, 4],
    [2, 3, 4],
  ]);
});

test.for([
  Hup,
  Beat,
  Unreachable,
  SnapStatus,
  CheckQuorum,
  StorageAppend,
  StorageAppendResp,
  StorageApply,
  StorageApplyResp,
])("type %i is refused when it comes from a peer", (type) => {
  const node = new TestNode().lead();
  const before = node.raw.status();

  expect(node.raw.step(message(type, { from: "2", to: "1" }))).toEqual({ ok: false, code: "E_LOCAL_MSG" });

  expect(node.raw.status()).toEqual(before);
});

test.for([AppResp, VoteResp, HeartbeatResp, ReadIndexResp, PreVoteResp])(
  "an answer of type %i from a stranger is refused",
  (type) => {
    const node = new TestNode().lead();

    const result = node.raw.step(message(type, { from: "9", to: "1", term: 9 }));

    expect(result).toEqual({ ok: false, code: "E_PEER_NOT_FOUND" });
    expect(node.raw.term).toBe(1);
  },
);

test("a message of a kind that this version does not know changes nothing", () => {
  const node = new TestNode({ term: 1 });
  const before = node.raw.status();
  const unknown: Message = Object.assign(message(App, { from: "2", to: "1", term: 1 }), { type: 99 });

  expect(node.raw.step(unknown)).toEqual({ ok: true });

  expect(node.raw.status()).toEqual(before);
});

test("a response of a worker is accepted from the worker only", () => {
  const node = new TestNode();

  expect(node.raw.step(message(StorageAppendResp, { from: APPEND_WORKER, to: "1" }))).toEqual({ ok: true });
});

test("a later message of a proposal that is dropped says so", () => {
  const node = new TestNode();
  const entries = [entryAt(0, 0, "x")];

  expect(node.raw.step(message(MessageType.Prop, { from: "2", to: "1", entries }))).toEqual({
    ok: false,
    code: "E_PROPOSAL_DROPPED",
  });
});

function failingStorage(inner: Storage, fails: () => boolean): Storage {
  const guarded = <T>(answer: T): T => {
    if (fails()) throw new Error("the disk is gone");
    return answer;
  };
  return {
    initialState: () => inner.initialState(),
    firstIndex: () => guarded(inner.firstIndex()),
    lastIndex: () => guarded(inner.lastIndex()),
    term: (index) => guarded(inner.term(index)),
    entries: (lo, hi, maxSizeBytes) => guarded(inner.entries(lo, hi, maxSizeBytes)),
    snapshot: () => guarded(inner.snapshot()),
  };
}

describe("a failed node", () => {
  test("B-37: is one whose storage has thrown; it neither votes nor does anything else, and says why", () => {
    let isBroken = false;
    const node = new TestNode({ log: [1], wrap: (inner) => failingStorage(inner, () => isBroken) });
    isBroken = true;

    const vote = message(Vote, { from: "2", to: "1", term: 5, index: 9, logTerm: 4 });
    expect(() => node.raw.step(vote)).toThrow("the node has failed");
    isBroken = false;

    expect(node.raw.failure).toMatchObject({ code: "E_FATAL", cause: { message: "the disk is gone" } });
    for (const action of [
      () => node.raw.step(vote),
      () => node.raw.tick(),
      () => node.raw.propose(bytes("x")),
      () => node.raw.hasReady(),
      () => node.raw.ready(),
      () => node.raw.campaign(),
    ]) {
      expect(action).toThrow(node.raw.failure!);
    }
    expect(node.raw.status().vote).toBe("0");
  });

  test("J-27: is one whose storage lacks entries that it should have", () => {
    const node = new TestNode({
      voters: ["1", "2"],
      log: [1, 1, 1],
      wrap: (inner) => ({
        initialState: () => inner.initialState(),
        firstIndex: () => inner.firstIndex(),
        lastIndex: () => inner.lastIndex(),
        term: (index) => inner.term(index),
        entries: () => ({ reason: "unavailable" }),
        snapshot: () => inner.snapshot(),
      }),
    }).lead();

    const refusal = message(AppResp, { from: "2", to: "1", term: 2, index: 3, reject: true, rejectHint: 0 });
    expect(() => node.raw.step(refusal)).toThrow("storage lacks entries");
  });

  test("J-05: is one that is told of a commit index above its log", () => {
    const node = new TestNode({ log: [1], term: 1 });

    expect(() => node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1, commit: 5 }))).toThrow(
      "commit 5 is above the last index 1",
    );
    expect(() => node.raw.step(message(Vote, { from: "3", to: "1", term: 9 }))).toThrow(RaftError);
  });
});

describe("J-05: a commit index above the log that no loss can explain is forged", () => {
  test("in the term of the start it is refused once an append of the leader was accepted", () => {
    const node = new TestNode({ log: [1], term: 1 });
    node.raw.step(
      message(App, { from: "2", to: "1", term: 1, index: 1, logTerm: 1, entries: [entryAt(2, 1)] }),
    );
    node.drain();

    const forged = node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1, commit: 3 }));

    expect(forged).toEqual({ ok: false, code: "E_FORGED" });
    expect(node.raw.commit).toBe(0);
  });

  test("an append that was rejected explains nothing: the loss is still fatal", () => {
    const node = new TestNode({ log: [1], term: 1 });
    node.raw.step(message(App, { from: "2", to: "1", term: 1, index: 5, logTerm: 1 }));
    node.drain();

    expect(() => node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1, commit: 5 }))).toThrow(
      "commit 5 is above the last index 1",
    );
  });

  test("in a term that began while the node ran it is refused, and nothing has changed", () => {
    const node = new TestNode({ log: [1], term: 1 });
    node.raw.step(message(App, { from: "2", to: "1", term: 2, index: 1, logTerm: 1 }));
    node.drain();
    const before = node.raw.status();

    const forged = [1, 2].map((ahead) =>
      node.raw.step(message(Heartbeat, { from: "3", to: "1", term: 1 + ahead, commit: 2 ** 40 })),
    );

    expect(forged).toEqual([
      { ok: false, code: "E_FORGED" },
      { ok: false, code: "E_FORGED" }, // a higher term makes it no better
    ]);
    expect(node.raw.status()).toEqual(before);
    expect(node.drain()).toEqual([]);
  });

  test("if the disk may have lost its term too, the node gives no vote and does not campaign", () => {
    const node = new TestNode({ log: [1], term: 1 });
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2, commit: 3 }));

    node.raw.step(message(Vote, { from: "3", to: "1", term: 3, index: 1, logTerm: 1 }));
    expect(node.drain()).toMatchObject([{ type: VoteResp, term: 3, reject: true }]);
    node.raw.campaign();
    expect(node.drain()).toEqual([]);
    expect(node.raw.term).toBe(3);
  });

  test("and votes again when its log has reached what was in doubt", () => {
    const node = new TestNode({ log: [1], term: 1 });
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2, commit: 3 }));

    const entries = [entryAt(2, 2), entryAt(3, 2)];
    node.raw.step(message(App, { from: "2", to: "1", term: 2, index: 1, logTerm: 1, entries }));
    node.drain();
    node.raw.step(message(Vote, { from: "3", to: "1", term: 3, index: 3, logTerm: 2 }));

    expect(node.drain()).toMatchObject([{ type: VoteResp, term: 3, reject: false }]);
  });

  test("up to the end of the log it is believed", () => {
    const node = new TestNode({ log: [1, 1], term: 1 });

    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2, commit: 2 }));

    expect(node.raw.commit).toBe(2);
  });
});

test("an append that contradicts what is committed changes nothing and is answered with the commit index", () => {
  const node = new TestNode({ log: [1, 1], term: 1, commit: 2 });

  const entries = [entryAt(1, 1), entryAt(2, 2)];
  node.raw.step(message(App, { from: "2", to: "1", term: 2, entries }));

  expect(node.terms()).toEqual([1, 1]);
  expect(node.drain()).toMatchObject([{ type: AppResp, index: 2, reject: false }]);
});

describe("J-05: with onCommitRegression recover", () => {
  const setup = { onCommitRegression: "recover", voters: ["1", "2", "3"] } as const;

  test("a node that lost its log gets it again from the leader", () => {
    const cluster = TestCluster.of(3, setup);
    cluster.campaign("1");
    for (let i = 0; i < 5; i++) cluster.propose("1", `${i}`);
    const term = cluster.node("1").raw.term;
    cluster.nodes.set(id("3"), new TestNode({ ...setup, id: "3", term }));

    for (let i = 0; i < 3; i++) {
      cluster.node("1").raw.tick();
      cluster.settle();
    }

    expect(cluster.node("3").terms()).toEqual(cluster.node("1").terms());
    expect(cluster.node("3").raw.commit).toBe(6);
  });

  test("a leader that does not recover ignores the announcement", () => {
    const lead = new TestNode({ term: 1 }).lead();
    lead.drain();
    lead.raw.step(message(AppResp, { from: "2", to: "1", term: 2, index: 1 }));
    lead.drain();

    const loss = message(AppResp, { from: "2", to: "1", term: 2, index: 1, reject: true, rejectHint: 0 });
    lead.raw.step(loss);

    expect(lead.raw.status().progress?.[id("2")]?.match).toBe(1);
  });
});

describe("G-14: options that are not acceptable are named", () => {
  test.for([
    ["id", { id: "0" }],
    ["id", { id: "0a" }],
    ["id", { id: "X" }],
    ["heartbeatTick", { heartbeatTick: 0 }],
    ["electionTick", { electionTick: 1 }],
    ["maxSizePerMsg", { maxSizePerMsg: -1 }],
    ["maxInflightMsgs", { maxInflightMsgs: 0 }],
    ["maxInflightBytes", { maxInflightBytes: 10, maxSizePerMsg: 11 }],
    ["maxCommittedSizePerReady", { maxCommittedSizePerReady: 0 }],
    ["maxUncommittedEntriesSize", { maxUncommittedEntriesSize: 0.5 }],
    ["applied", { applied: 3 }],
    ["readOnly", { readOnly: "lease", checkQuorum: false }],
    ["leaseTicks", { readOnly: "lease", checkQuorum: true, leaseTicks: 9 }],
    ["leaseTicks", { readOnly: "lease", checkQuorum: true, leaseTicks: 0 }],
    ["leaseTicks", { readOnly: "lease", checkQuorum: true, electionTick: 2 }],
  ] as const)("%s in %o", ([option, setup]) => {
    let error: unknown = null;
    try {
      expect(new TestNode({ ...setup })).toBeNull();
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toMatchObject({ code: "E_CONFIG", details: { option } });
  });
});

describe("with etcd 2.x members", () => {
  test("their message types end with the check of the quorum", () => {
    const unknown = Object.values(MessageType).filter((type) => !isKnownToEtcd2(type));

    expect(unknown).toEqual([13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
  });

  test("there are no pre-votes and no leases, until all members are ours", () => {
    const node = new TestNode({ compat: "etcd2", preVote: true, checkQuorum: true, term: 1 });
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 1 }));
    node.drain();

    node.raw.step(message(Vote, { from: "3", to: "1", term: 2 }));
    expect(node.drain()).toMatchObject([{ type: VoteResp, reject: false }]);
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.Candidate);

    node.raw.setCompat("modern");
    node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 3 }));
    node.raw.campaign();
    expect(node.raw.role).toBe(Role.PreCandidate);

    node.raw.setCompat("etcd2");
    expect(node.raw.role).toBe(Role.Follower);
  });

  test("a leader's transfer is refused, and a snapshot without this node is installed", () => {
    const lead = new TestNode({ compat: "etcd2" }).lead();
    lead.raw.transferLeader(id("2"));
    expect(lead.raw.status().transferee).toBe("0");

    lead.raw.setCompat("modern");
    lead.raw.transferLeader(id("2"));
    expect(lead.raw.status().transferee).toBe("2");
    lead.raw.setCompat("etcd2");
    expect(lead.raw.status().transferee).toBe("0");

    const node = new TestNode({ id: "4", voters: [], compat: "etcd2" });
    node.raw.step(
      message(MessageType.Snap, { from: "1", to: "4", term: 1, snapshot: snapshotAt(5, 1, ["1"]) }),
    );
    expect(node.raw.status().lastIndex).toBe(5);
  });
});

test("the entries of the log can be read, stable or not, and only those that are there", () => {
  const node = new TestNode({ voters: ["1"], log: [1, 1] }).lead();

  expect(node.raw.entries(1, 3).map((entry) => entry.term)).toEqual([1, 1]);

  node.drain();
  node.storage.compact(1);
  expect(() => node.raw.entries(1, 2)).toThrow("entry 1 was compacted");
  expect(() => node.raw.entries(2, 9)).toThrow("the last is 3");
});

test("every transition is traced, in order", () => {
  const seen: string[] = [];
  const node = new TestNode({ voters: ["1"], trace: (event) => seen.push(event.t) });
  seen.length = 0;

  node.raw.campaign();
  node.drain();

  expect(seen.filter((kind) => kind !== "recv" && kind !== "send")).toEqual([
    "term",
    "vote",
    "role",
    "term",
    "vote",
    "role",
    "append",
    "commit",
    "apply",
  ]);
});

describe("what no honest member sends changes nothing", () => {
  const joined = { ...snapshotAt(9, 1, ["1"]).meta.confState, learners: [id("1")] };
  test.for([
    ["entries that do not follow their place", App, { index: 1, logTerm: 1, entries: [entryAt(3, 1)] }],
    ["entries with a gap", App, { index: 1, logTerm: 1, entries: [entryAt(2, 1), entryAt(4, 1)] }],
    ["an append without a term", App, { term: 0, index: 1, logTerm: 1, entries: [entryAt(2, 1)] }],
    [
      "a snapshot whose configuration contradicts itself",
      MessageType.Snap,
      { snapshot: { meta: { index: 9, term: 1, confState: joined }, data: null } },
    ],
  ] as const)("%s", ([, type, fields]) => {
    const node = new TestNode({ log: [1], term: 1 });

    node.raw.step(message(type, { from: "2", to: "1", term: 1, ...fields }));

    expect(node.raw.status()).toMatchObject({ lastIndex: 1, term: 1, commit: 0 });
    expect(node.raw.failure).toBeNull();
  });

  test.for([
    ["an acknowledgement beyond the log", { index: 99 }],
    ["an acknowledgement without a term", { index: 1, term: 0 }],
  ] as const)("%s", ([, fields]) => {
    const node = new TestNode().lead();
    node.drain();

    node.raw.step(message(AppResp, { from: "2", to: "1", term: 1, ...fields }));

    expect(node.raw.status().progress?.[id("2")]?.match).toBe(0);
    expect(node.raw.commit).toBe(0);
  });
});

test("a log that gets newer than the term of its node is damaged", () => {
  const node = new TestNode({ log: [3], term: 3 });
  node.storage.append([entryAt(2, 5)]);

  expect(() => node.raw.tick()).toThrow("at least that of the last entry");
});

test("what an append replaces is traced", () => {
  const seen: TraceEvent[] = [];
  const node = new TestNode({ log: [1, 1, 1], term: 1, trace: (event) => seen.push(event) });

  const entries = [entryAt(2, 1), entryAt(3, 2), entryAt(4, 2)];
  node.raw.step(message(App, { from: "2", to: "1", term: 2, index: 1, logTerm: 1, commit: 2, entries }));

  expect(seen.slice(seen.findIndex((event) => event.t === "truncate"))).toMatchObject([
    { t: "truncate", from: 3 },
    { t: "append", from: 3, through: 4 },
    { t: "commit", commit: 2 },
    { t: "send" },
  ]);
});
