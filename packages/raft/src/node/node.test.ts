import { describe, expect, onTestFinished, test } from "vitest";
import { encodeConfChange, parseNodeId } from "../codec/index.ts";
import { MemoryStorage } from "../memory-storage.ts";
import { Message, MessageType } from "../message.ts";
import { ConfChangeType, EntryType, Role, type NodeId } from "../types.ts";
import { bytes, Cluster, TestDisk, text, TICK_MS, type Member } from "./cluster.test.support.ts";
import type { NodeOptions } from "./node.ts";

async function cluster(size: number, options: Partial<NodeOptions> = {}): Promise<Cluster> {
  const made = new Cluster(size, options);
  onTestFinished(() => made.stop());
  await made.settle();
  return made;
}

const types = (member: Member): number[] => member.sent.map((message) => message.type);
const submitAll = (member: Member, ...data: string[]): string[] =>
  data.map((one) => member.node.submit(bytes(one)));

const add = (id: string): { type: 0; nodeId: NodeId; context: null } => ({
  type: ConfChangeType.AddNode,
  nodeId: parseNodeId(id),
  context: null,
});

describe("nothing is promised before it is durable", () => {
  test("L-08: a follower acknowledges entries only after its save has settled", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const follower = three.member("2");
    follower.disk.hold();
    follower.sent.length = 0;

    leader.node.submit(bytes("a"));
    await three.settle();

    expect(follower.disk.inFlight).toBe(1);
    expect(types(follower)).not.toContain(MessageType.AppResp);
    follower.disk.release();
    await three.settle();
    expect(types(follower)).toContain(MessageType.AppResp);
  });

  test("L-08: a vote is sent only after its save has settled, a request for votes before", async () => {
    const three = await cluster(3);
    for (const member of three.members.values()) member.disk.hold();

    three.member("1").node.campaign();
    await three.settle();

    const voter = three.member("2");
    expect(types(three.member("1"))).toContain(MessageType.Vote);
    expect(voter.disk.batches.at(-1)).toMatchObject({ hardState: { vote: "1" }, mustSync: true });
    expect(types(voter)).not.toContain(MessageType.VoteResp);
    voter.disk.release();
    await three.settle();
    expect(types(voter)).toContain(MessageType.VoteResp);
  });

  test("the only member applies and answers only after its save has settled", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();

    const proposed = leader.node.propose(bytes("a"));
    await one.settle();

    expect(leader.disk.inFlight).toBe(1);
    expect(leader.machine.values).toEqual([]);
    leader.disk.release();
    await one.settle();
    expect(leader.machine.values).toEqual(["a"]);
    expect(await proposed).toMatchObject({ result: "applied a" });
  });

  test("L-09: a leader sends entries while its own save is in flight", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    leader.disk.hold();
    leader.sent.length = 0;

    leader.node.submit(bytes("a"));
    await three.settle();

    expect(leader.disk.inFlight).toBe(1);
    expect(leader.sent.filter(({ entries }) => entries.length > 0).map(({ to }) => to)).toEqual(["2", "3"]);
  });

  test("the leader's own copy does not count before it is durable", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    three.cut(three.member("3"));
    leader.disk.hold();

    leader.node.submit(bytes("a"));
    await three.settle();

    expect(types(three.member("2")).at(-1)).toBe(MessageType.AppResp);
    expect(leader.machine.values).toEqual([]);
    leader.disk.release();
    await three.settle();
    expect(leader.machine.values).toEqual(["a"]);
  });

  test("L-07: a failing save makes the node silent for good", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    leader.disk.hold();
    const inLog = leader.node.propose(bytes("a"));
    await three.settle();
    const queued = leader.node.propose(bytes("b"));
    const errors: unknown[] = [];
    leader.node.on("error", (error) => errors.push(error));
    leader.sent.length = 0;

    leader.disk.fail(new Error("no space left"));

    await expect(inLog).rejects.toMatchObject({ code: "E_UNKNOWN" });
    await expect(queued).rejects.toMatchObject({ code: "E_FATAL" });
    expect(leader.fatal).toMatchObject([{ code: "E_FATAL", cause: { message: "no space left" } }]);
    expect(errors).toEqual(leader.fatal);
    await three.tick(30);
    expect(leader.sent).toEqual([]);
    expect(leader.node.submit(bytes("c"))).toBe("stopped");
    await expect(leader.node.propose(bytes("c"))).rejects.toMatchObject({ code: "E_FATAL" });
    expect(leader.node.status()).toMatchObject({ isFailed: true });
    expect(leader.fatal).toHaveLength(1);
    expect(three.leader).not.toBe(leader);
  });
});

test.each([
  ["succeeds", (disk: TestDisk) => disk.release()],
  ["fails", (disk: TestDisk) => disk.fail(new Error("no space left"))],
])("a node that has failed stays silent when its save %s, and says so once", async (_, settle) => {
  const three = await cluster(3);
  const leader = await three.elect();
  const follower = three.member("2");
  follower.disk.hold();
  leader.node.submit(bytes("a"));
  await three.settle();
  follower.node.on("leader", () => {
    throw new Error("broken listener");
  });
  follower.node.step(new Message(MessageType.Heartbeat, follower.id, three.ids[2], leader.node.term + 1));
  await three.settle();
  follower.sent.length = 0;

  settle(follower.disk);
  await three.tick(3);

  expect(follower.fatal).toMatchObject([{ code: "E_FATAL" }]);
  expect(follower.sent).toEqual([]);
});

describe("batches", () => {
  test("L-06: what comes while a save is in flight is the next batch", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();
    leader.disk.batches.length = 0;

    submitAll(leader, "a");
    await one.settle();
    submitAll(leader, "b", "c");
    await one.settle();
    submitAll(leader, "d");
    await one.settle();
    leader.disk.releaseOnce();
    await one.settle();

    const saved = leader.disk.batches.map(({ entries }) => entries.map(({ data }) => text(data)));
    expect(saved).toEqual([["a"], ["b", "c", "d"]]);
    expect(leader.disk.inFlight).toBe(1);
  });

  test("what comes in several turns of one save is one message per follower", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    leader.disk.hold();
    submitAll(leader, "a");
    await three.settle();
    leader.sent.length = 0;

    submitAll(leader, "b");
    await three.settle();
    submitAll(leader, "c");
    await three.settle();
    leader.disk.release();
    await three.settle();

    const appends = leader.sent.filter(({ type, entries }) => type === MessageType.App && entries.length > 0);
    expect(appends.map(({ to, entries }) => [to, entries.length])).toEqual([
      ["2", 2],
      ["3", 2],
    ]);
  });

  test("what is committed is applied while the next batch is being written", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();
    submitAll(leader, "a");
    await one.settle();
    submitAll(leader, "b");

    leader.disk.releaseOnce();
    await one.settle();

    expect(leader.disk.batches.at(-1)?.entries.map(({ data }) => text(data))).toEqual(["b"]);
    expect(leader.disk.inFlight).toBe(1);
    expect(leader.machine.values).toEqual(["a"]);
  });

  test("acknowledgements that come during a later save are not held up by it", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    for (const follower of three.followers()) follower.disk.hold();
    const first = leader.node.propose(bytes("a"));
    await three.settle();
    leader.disk.hold();
    const second = leader.node.propose(bytes("b"));
    await three.settle();
    expect(leader.disk.inFlight).toBe(1);

    for (const follower of three.followers()) follower.disk.release();
    await three.settle();

    expect(leader.disk.inFlight).toBe(1);
    expect(leader.machine.values).toEqual(["a"]); // b has a quorum too, but is not durable here
    expect(await first).toMatchObject({ result: "applied a" });
    leader.disk.release();
    expect(await second).toMatchObject({ result: "applied b" });
  });

  test("what a follower gets during a save is saved after it, even if nothing else happens", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const follower = three.member("2");
    three.cut(three.member("3"));
    leader.disk.hold();
    follower.disk.hold();
    const { term, lastIndex } = follower.node.status();
    for (const added of [1, 2]) {
      const append = new Message(MessageType.App, follower.id, leader.id, term);
      append.index = lastIndex + added - 1;
      append.logTerm = term;
      append.entries = [{ term, index: lastIndex + added, type: EntryType.Normal, data: null }];
      follower.node.step(append);
      await three.settle();
    }
    follower.disk.batches.length = 0;

    follower.disk.releaseOnce();
    await three.settle();

    expect(follower.disk.batches.map(({ entries }) => entries.map(({ index }) => index))).toEqual([
      [lastIndex + 2],
    ]);
  });

  test("heartbeats go on while the disk is slow, and nobody campaigns", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const { term } = leader.node;
    leader.disk.hold();
    submitAll(leader, "a");

    await three.tick(50);

    expect(leader.disk.inFlight).toBe(1);
    for (const { node } of three.members.values())
      expect([node.leader, node.term]).toEqual([leader.id, term]);
  });

  test("entries that a follower gets together with their commit are not applied before they are durable", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const late = three.member("3");
    three.cut(late);
    submitAll(leader, "a", "b");
    await three.settle();
    three.heal();
    late.disk.hold();

    await three.tick(2);

    expect(leader.machine.values).toEqual(["a", "b"]);
    expect(late.disk.inFlight).toBe(1);
    expect(late.machine.values).toEqual([]);
    late.disk.release();
    await three.tick(1);
    expect(late.machine.values).toEqual(["a", "b"]);
  });

  test("the submissions of one turn are one message per follower", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    leader.sent.length = 0;

    submitAll(leader, "a", "b", "c");
    three.clock.runDeferred();

    const appends = leader.sent.filter(({ type, entries }) => type === MessageType.App && entries.length > 0);
    expect(appends.map(({ to, entries }) => [to, entries.length])).toEqual([
      ["2", 3],
      ["3", 3],
    ]);
  });

  test("a commit index alone is saved without asking for a sync", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.batches.length = 0;

    submitAll(leader, "a");
    await one.settle();

    expect(leader.disk.batches.map(({ entries, mustSync }) => [entries.length, mustSync])).toEqual([
      [1, true],
      [0, false],
    ]);
  });
});

describe("a cluster", () => {
  test("elects, replicates and goes on without its leader; every member applies all, once and in order", async () => {
    const three = await cluster(3);
    const first = await three.elect();
    submitAll(first, "a", "b");
    await three.settle();
    three.cut(first);
    await three.tick(40);
    const second = three.leader;
    submitAll(second, "c");
    await three.settle();
    three.heal();
    await three.tick(10);

    expect(second).not.toBe(first);
    for (const { machine, node } of three.members.values()) {
      expect(machine.values).toEqual(["a", "b", "c"]);
      expect(machine.entries.map(({ index }) => index)).toEqual(machine.entries.map((_, i) => i + 1));
      expect(node.appliedIndex).toBe(machine.entries.length);
      expect(node.leader).toBe(second.id);
    }
  });

  test("starts again from what was durable", async () => {
    const three = await cluster(3);
    submitAll(await three.elect(), "a", "b");
    await three.tick(1);
    const term = three.leader.node.term;

    await three.stop();
    for (const { id, disk } of three.members.values()) three.start(id, disk);
    await three.tick(40);

    expect(three.leader.node.term).toBeGreaterThan(term);
    for (const { machine } of three.members.values()) expect(machine.values).toEqual(["a", "b"]);
  });

  test("a follower forwards what is submitted to it", async () => {
    const three = await cluster(3);
    await three.elect();

    expect(submitAll(three.member("2"), "a")).toEqual(["ok"]);
    await three.tick(1);

    for (const { machine } of three.members.values()) expect(machine.values).toEqual(["a"]);
  });

  test("one member after the other can be leader by request", async () => {
    const three = await cluster(3);
    const leader = await three.elect();

    const transferred = leader.node.transferLeader(three.member("2").id);
    await three.settle();

    await transferred;
    expect(three.leader).toBe(three.member("2"));
    const impossible = three.leader.node.transferLeader(three.member("1").id, { timeoutMs: 500 });
    three.cut(three.member("1"));
    const rejected = expect(impossible).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    await three.tick(6);
    await rejected;
  });

  test("leadership is told as an event, with the term", async () => {
    const three = await cluster(3);
    const events: unknown[] = [];
    const undo = three.member("2").node.on("leader", (event) => events.push(event));

    await three.elect();
    const { term } = three.leader.node;
    undo();
    three.cut(three.member("1"));
    await three.tick(40);

    expect(events.at(-1)).toEqual({ lead: "1", role: Role.Follower, term });
  });
});

describe("membership", () => {
  test("L-16: a change resolves with the configuration once it is applied, and each entry is named to the machine", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    submitAll(leader, "a");

    const changed = leader.node.changeMembership(add("2"));
    await one.settle();

    expect((await changed).voters).toEqual(["1", "2"]);
    expect(leader.node.appliedConfState.voters).toEqual(["1", "2"]);
    expect(leader.machine.changes.map(({ nodeId }) => nodeId)).toEqual(["1", "2"]);
    expect(leader.machine.entries.map(({ type }) => type)).toEqual([
      EntryType.ConfChange,
      EntryType.Normal,
      EntryType.Normal,
      EntryType.ConfChange,
    ]);
  });

  test("a change that the machine refuses changes nothing", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.machine.refuse = true;

    const changed = leader.node.changeMembership(add("2"));
    const refused = expect(changed).rejects.toMatchObject({ code: "E_CONF_CHANGE" });
    await one.settle();

    await refused;
    expect(leader.node.appliedConfState.voters).toEqual(["1"]);
  });

  test("L-16: of two changes at once the second is refused", async () => {
    const one = await cluster(1);
    const leader = await one.elect();

    const first = leader.node.changeMembership(add("2"));
    const second = leader.node.changeMembership(add("3"));
    const refused = expect(second).rejects.toMatchObject({ code: "E_CONF_CHANGE" });
    await one.settle();

    expect((await first).voters).toEqual(["1", "2"]);
    await refused;
  });

  test("several changes at once are one joint change, which is left by itself", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    three.start(parseNodeId("4"), new TestDisk());
    const configurations: unknown[] = [];
    leader.node.on("membership", ({ voters, votersOutgoing }) =>
      configurations.push([voters, votersOutgoing]),
    );

    const changed = leader.node.changeMembershipJointly([
      { type: ConfChangeType.AddNode, nodeId: parseNodeId("4") },
      { type: ConfChangeType.RemoveNode, nodeId: parseNodeId("3") },
    ]);
    await three.tick(5);

    const joint = [
      ["1", "2", "4"],
      ["1", "2", "3"],
    ];
    const { voters, votersOutgoing } = await changed;
    expect([voters, votersOutgoing]).toEqual(joint);
    expect(configurations).toEqual([joint, [["1", "2", "4"], []]]);
    expect(three.member("4").node.appliedConfState.voters).toEqual(["1", "2", "4"]);
  });

  test("a joint change is refused when it changes nothing, removes everybody or meets members of etcd 2.x", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    const removeAll = [{ type: ConfChangeType.RemoveNode, nodeId: leader.id }];

    await expect(leader.node.changeMembershipJointly([])).rejects.toMatchObject({ code: "E_CONFIG" });
    const everybody = expect(leader.node.changeMembershipJointly(removeAll)).rejects.toMatchObject({
      code: "E_CONF_CHANGE",
    });
    await one.settle();
    await everybody;
    leader.node.setCompat("etcd2");
    const modern = expect(
      leader.node.changeMembershipJointly([{ type: ConfChangeType.AddNode, nodeId: parseNodeId("2") }]),
    ).rejects.toMatchObject({ code: "E_CONF_CHANGE" });
    await one.settle();
    await modern;

    expect(leader.node.appliedConfState.voters).toEqual(["1"]);
  });

  test("a change whose bytes are damaged is applied as none", async () => {
    const three = await cluster(3);
    await three.elect();
    const forwarded = new Message(MessageType.Prop, three.ids[0], three.ids[1]);
    const damaged = encodeConfChange({ id: "1", ...add("3") }).slice(0, -1);
    forwarded.entries = [{ term: 0, index: 0, type: EntryType.ConfChange, data: damaged }];

    three.member("1").node.step(forwarded);
    submitAll(three.member("1"), "a");
    await three.tick(1);

    for (const { machine, node } of three.members.values()) {
      expect(machine.values).toEqual(["a"]);
      expect(node.appliedConfState.voters).toEqual(["1", "2", "3"]);
    }
  });
});

describe("awaited proposals", () => {
  test("L-02: results come in the order of the log", async () => {
    const one = await cluster(1);
    const leader = await one.elect();

    const all = Promise.all(["a", "b", "c"].map((data) => leader.node.propose(bytes(data))));
    await one.settle();

    const proposed = await all;
    expect(proposed.map(({ result }) => result)).toEqual(["applied a", "applied b", "applied c"]);
    expect(proposed.map(({ index }) => index - proposed[0]!.index)).toEqual([0, 1, 2]);
  });

  test("L-04: an entry that another leader replaces is lost, one that survives the change of leader is not", async () => {
    const three = await cluster(3);
    const first = await three.elect();
    const kept = first.node.propose(bytes("kept"));
    first.disk.hold();
    three.clock.runDeferred();
    await three.settle();
    three.cut(first);
    first.disk.release();
    const overwritten = first.node.propose(bytes("overwritten"));
    await three.settle();
    const lost = expect(overwritten).rejects.toMatchObject({ code: "E_LOST" });
    await three.tick(40);
    submitAll(three.leader, "other");
    await three.settle();

    three.heal();
    await three.tick(10);

    await lost;
    expect(await kept).toMatchObject({ result: "applied kept" });
    expect(first.machine.values).toEqual(["kept", "other"]);
  });

  test("L-05: a timeout says that the outcome is unknown, and a later commit does no harm", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    for (const follower of three.followers()) three.cut(follower);

    const proposed = leader.node.propose(bytes("a"), { timeoutMs: 3 * TICK_MS });
    const unknown = expect(proposed).rejects.toMatchObject({ code: "E_UNKNOWN" });
    await three.tick(3);
    await unknown;
    three.heal();
    await three.tick(3);

    expect(leader.machine.values).toEqual(["a"]);
  });

  test("without a leader a proposal waits for one, and what is only submitted is dropped", async () => {
    const three = await cluster(3);
    const member = three.member("1");

    const proposed = member.node.propose(bytes("a"));
    expect(submitAll(member, "b")).toEqual(["dropped"]);
    await three.elect();

    expect(await proposed).toMatchObject({ result: "applied a" });
    expect(member.machine.values).toEqual(["a"]);
  });

  test("without a leader until its timeout a proposal was never made", async () => {
    const three = await cluster(3);
    for (const member of three.members.values()) three.cut(member);

    const proposed = three.member("1").node.propose(bytes("a"), { timeoutMs: TICK_MS });
    const dropped = expect(proposed).rejects.toMatchObject({ code: "E_PROPOSAL_DROPPED" });
    await three.tick(1);

    await dropped;
  });

  test("a follower refuses to propose and names the leader", async () => {
    const three = await cluster(3);
    await three.elect();

    const proposed = three.member("2").node.propose(bytes("a"));
    const dropped = expect(proposed).rejects.toMatchObject({
      code: "E_PROPOSAL_DROPPED",
      details: { lead: "1" },
    });
    await three.settle();

    await dropped;
  });

  test("L-03: what a follower forwards is applied there too, and an awaited proposal names the leader to go to", async () => {
    const three = await cluster(3);
    await three.elect();
    const follower = three.member("2");

    follower.node.submit(bytes("forwarded"));
    const refused = follower.node.propose(bytes("awaited")).catch((error: unknown) => error);
    await three.tick(1);

    expect(follower.machine.values).toEqual(["forwarded"]);
    const error = await refused;
    expect(error).toMatchObject({ code: "E_PROPOSAL_DROPPED", details: { lead: "1" } });
    const proposed = three.leader.node.propose(bytes("awaited"));
    await three.tick(1);
    const { index } = await proposed;
    expect(follower.machine.entries.find((entry) => entry.index === index)?.data).toEqual(bytes("awaited"));
  });

  test("a proposal of which only a snapshot knows has an unknown outcome", async () => {
    const three = await cluster(3);
    const first = await three.elect();
    three.cut(first);
    const proposed = first.node.propose(bytes("a"), { timeoutMs: 1_000 * TICK_MS });
    const unknown = expect(proposed).rejects.toMatchObject({ code: "E_UNKNOWN", message: /snapshot/ });
    await three.tick(40);
    const second = three.leader;
    submitAll(second, "b", "c");
    await three.settle();
    const { appliedIndex: index, appliedConfState: confState } = second.node;
    await second.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 0 });

    three.heal();
    await three.tick(10);

    await unknown;
    expect(first.machine.restored).toHaveLength(1);
  });

  test("proposals and submissions of one turn do not take each other's places", async () => {
    const one = await cluster(1);
    const leader = await one.elect();

    submitAll(leader, "a", "b");
    const proposed = leader.node.propose(bytes("c"));
    submitAll(leader, "d");
    await one.settle();

    expect(await proposed).toMatchObject({ result: "applied c" });
    expect(leader.machine.values.toSorted()).toEqual(["a", "b", "c", "d"]);
  });

  test("what was submitted before the leader was lost is dropped, not kept for the next one", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    for (const follower of three.followers()) three.cut(follower);
    let lastIndex = 0;
    while (leader.node.role === Role.Leader) {
      ({ lastIndex } = leader.node.status());
      submitAll(leader, "a");
      await three.tick(1);
    }

    expect(leader.node.status()).toMatchObject({ lastIndex, droppedProposals: 1, queuedProposals: 0 });
  });

  test("a signal ends the wait with its reason, also one that has fired already", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    const controller = new AbortController();
    leader.disk.hold();
    const proposed = leader.node.propose(bytes("a"), { signal: controller.signal });
    await one.settle();

    controller.abort(new Error("enough"));

    await expect(proposed).rejects.toThrow("enough");
    await expect(leader.node.propose(bytes("b"), { signal: controller.signal })).rejects.toThrow("enough");
  });

  test("L-13: a full queue is busy and recovers", async () => {
    const one = await cluster(1, { maxQueuedProposals: 2 });
    const leader = await one.elect();

    expect(submitAll(leader, "a", "b", "c")).toEqual(["ok", "ok", "busy"]);
    await expect(leader.node.propose(bytes("d"))).rejects.toMatchObject({ code: "E_BUSY" });
    await one.settle();

    expect(submitAll(leader, "e")).toEqual(["ok"]);
    await one.settle();
    expect(leader.machine.values).toEqual(["a", "b", "e"]);
  });
});

describe("reads", () => {
  test("L-15: a read resolves when the machine contains everything that was committed before", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const follower = three.member("3");
    three.cut(follower);
    submitAll(leader, "a");
    await three.settle();
    three.heal();

    const read = follower.node.read().then((index) => [index, ...follower.machine.values]);
    await three.tick(3);

    expect(await read).toEqual([leader.node.appliedIndex, "a"]);
  });

  test("L-15: a leader that is cut off confirms no read; an unanswered request is repeated under a new name", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    for (const follower of three.followers()) three.cut(follower);
    const cutOff = leader.node.read({ timeoutMs: 2 * TICK_MS });
    const unavailable = expect(cutOff).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
    await three.tick(2);
    await unavailable;

    const follower = three.member("2");
    const lost = follower.node.read({ timeoutMs: 100 * TICK_MS });
    await three.settle();
    three.heal();
    await three.tick(30);

    expect(await lost).toBeGreaterThan(0);
    const names = follower.sent
      .filter(({ type }) => type === MessageType.ReadIndex)
      .map(({ entries }) => text(entries[0]!.data));
    expect(names.length).toBeGreaterThan(1);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("snapshots", () => {
  test("L-12: a member that is far behind gets the snapshot, and goes on from there", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const late = three.member("3");
    three.cut(late);
    submitAll(leader, "a", "b", "c");
    await three.settle();
    const index = leader.node.appliedIndex;
    const events: unknown[] = [];
    late.node.on("snapshot", (meta) => events.push(meta));

    await leader.node.createSnapshot({
      index,
      confState: leader.node.appliedConfState,
      data: bytes("state"),
      keepEntries: 0,
    });
    three.heal();
    await three.tick(3);
    leader.node.reportSnapshot(late.id, true);
    submitAll(leader, "d");
    await three.tick(2);

    expect(leader.disk.snapshots).toMatchObject([{ meta: { index } }]);
    expect(late.disk.batches.some(({ snapshot }) => snapshot?.meta.index === index)).toBe(true);
    expect(late.machine.restored.map(({ data }) => text(data))).toEqual(["state"]);
    expect(events).toMatchObject([{ index }]);
    expect(late.machine.values).toEqual(["d"]);
    expect(late.node.appliedConfState.voters).toEqual(["1", "2", "3"]);
    expect(late.disk.load().snapshot().meta.index).toBe(index);
  });

  test("L-12: a snapshot waits for the save in flight, and the log keeps its tail", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    submitAll(leader, "a", "b", "c", "d");
    await one.settle();
    const index = leader.node.appliedIndex;
    const confState = leader.node.appliedConfState;
    leader.disk.hold();
    submitAll(leader, "e");
    await one.settle();

    const created = leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 2 });

    expect(leader.disk.snapshots).toEqual([]);
    await expect(
      leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 2 }),
    ).rejects.toMatchObject({ code: "E_BUSY" });
    leader.disk.releaseOnce();
    await one.settle();
    expect(leader.disk.snapshots).toMatchObject([{ meta: { index, term: leader.node.term } }]);
    expect(leader.node.status().firstIndex).toBe(1);
    leader.disk.release();
    await created;
    expect(leader.node.status().firstIndex).toBe(index - 1);
    await expect(
      leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 2 }),
    ).rejects.toMatchObject({ code: "E_SNAP_OUT_OF_DATE" });
    await expect(
      leader.node.createSnapshot({ index: 1000, confState, data: bytes("state"), keepEntries: 2 }),
    ).rejects.toMatchObject({ code: "E_UNAVAILABLE" });
  });

  test("a snapshot of the leader takes the place of an own one that waits for it", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const late = three.member("3");
    const own = { index: late.node.appliedIndex, confState: late.node.appliedConfState };
    three.cut(late);
    submitAll(leader, "a", "b");
    await three.settle();
    const { appliedIndex: index, appliedConfState: confState } = leader.node;
    await leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 0 });
    three.heal();
    late.disk.hold();
    await three.tick(2);
    expect(late.disk.batches.at(-1)?.snapshot?.meta.index).toBe(index);

    const created = late.node.createSnapshot({ ...own, data: bytes("old"), keepEntries: 0 });
    late.disk.release();
    await created;
    await three.tick(2);

    expect(late.fatal).toEqual([]);
    expect(late.disk.snapshots).toEqual([]);
    expect(late.node.status().firstIndex).toBe(index + 1);
  });

  test("a snapshot that cannot be written is fatal", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();
    const { appliedIndex: index, appliedConfState: confState } = leader.node;

    const created = leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 0 });
    leader.disk.fail(new Error("no space left"));

    await expect(created).rejects.toMatchObject({ code: "E_FATAL" });
    expect(leader.fatal).toHaveLength(1);
  });

  test("a member that starts from a snapshot and the entries behind it applies only those", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    submitAll(leader, "a");
    await one.settle();
    const { appliedIndex: index, appliedConfState: confState } = leader.node;
    await leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 0 });
    submitAll(leader, "b");
    await one.settle();
    await one.stop();

    const again = one.start(leader.id, leader.disk);
    await one.tick(40);

    expect(again.node.appliedConfState.voters).toEqual(["1"]);
    expect(again.machine.values).toEqual(["b"]);
    expect(again.machine.entries[0]!.index).toBe(index + 1);
  });
});

describe("time", () => {
  test("L-10: after a pause, messages that have arrived come before the ticks that were missed: no election", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const follower = three.member("2");
    const { term } = leader.node;
    three.cut(follower);
    await three.tick(follower.node.status().randomizedElectionTimeout - 3);
    three.heal();

    three.clock.time += 10_000;
    three.clock.fireTimers();
    follower.node.step(new Message(MessageType.Heartbeat, follower.id, leader.id, term));
    await three.settle();

    expect(types(follower)).not.toContain(MessageType.PreVote);
    expect(follower.node.status()).toMatchObject({ term, lead: leader.id, electionElapsed: 5 });
  });

  test("L-10: a pause counts as half an election timeout at most", async () => {
    const three = await cluster(3);
    await three.elect();
    const follower = three.member("2");
    three.cut(follower);
    await three.settle();
    expect(follower.node.status().electionElapsed).toBe(0);

    three.clock.time += 10_000;
    three.clock.fireTimers();
    await three.settle();

    expect(follower.node.status().electionElapsed).toBe(5);
  });

  test("ticks that count as passed bring the first election forward", async () => {
    const one = await cluster(1, { initialTicks: 9 });

    await one.tick(11);

    expect(one.leader.id).toBe("1");
  });
});

describe("what goes wrong outside", () => {
  test("L-14: messages that are not for this node, or too many, are dropped and counted", async () => {
    const one = await cluster(1, { maxQueuedMessages: 1 });
    const { node } = one.member("1");
    const [id] = one.ids;
    const other = parseNodeId("3");

    node.step(new Message(MessageType.Heartbeat, other, other, 1));
    node.step(new Message(MessageType.Heartbeat, id, id, 1));
    expect(node.status().droppedMessages).toBe(2);
    node.step(new Message(MessageType.Hup, id, other, 1));
    node.step(new Message(MessageType.AppResp, id, other, 1));
    expect(node.status().droppedMessages).toBe(3);
    await one.settle();

    expect(node.status().droppedMessages).toBe(4);
    expect(node.status().isFailed).toBe(false);
  });

  test("a forged commit index is dropped, counted and told", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    const { node } = three.member("2");
    const told: Message[] = [];
    node.on("forged", (message) => told.push(message));
    const heartbeat = new Message(MessageType.Heartbeat, node.id, leader.id, node.term);
    heartbeat.commit = 1_000;

    node.step(heartbeat);
    await three.settle();
    submitAll(leader, "a");
    await three.tick(2);

    expect(told).toEqual([heartbeat]);
    expect(node.status()).toMatchObject({ isFailed: false, droppedMessages: 1 });
    expect(three.member("2").machine.values).toEqual(["a"]);
  });

  test("a state machine that throws makes the node fail", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.machine.apply = () => {
      throw new Error("broken machine");
    };

    submitAll(leader, "a");
    await one.settle();

    expect(leader.fatal).toMatchObject([{ code: "E_FATAL", cause: { message: "broken machine" } }]);
    expect(one.clock.timerCount).toBe(0);
  });

  test("a commit index beyond the log that a node has just started from makes it fail", async () => {
    const three = await cluster(3);
    await three.elect();
    const { id, disk, node } = three.member("2");
    await node.stop();
    const follower = three.start(id, disk);
    const heartbeat = new Message(MessageType.Heartbeat, follower.id, three.ids[0], three.leader.node.term);
    heartbeat.commit = 1_000;

    follower.node.step(heartbeat);
    await three.settle();

    expect(follower.fatal).toMatchObject([{ code: "E_FATAL" }]);
  });
});

describe("stop", () => {
  test("L-11, J-38: finishes the pass in flight, rejects the rest and closes the disk; twice is once", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();
    const inLog = leader.node.propose(bytes("a"));
    await one.settle();
    const queued = leader.node.propose(bytes("b"));
    const read = leader.node.read();

    const stopped = [leader.node.stop(), leader.node.stop()];
    const outcomes = Promise.allSettled([inLog, queued, read]);
    expect(leader.node.submit(bytes("c"))).toBe("stopped");
    await one.settle();
    expect(leader.disk.isClosed).toBe(false);
    leader.disk.release();
    await Promise.all(stopped);

    expect(await outcomes).toMatchObject([
      { reason: { code: "E_UNKNOWN" } },
      { reason: { code: "E_STOPPED" } },
      { reason: { code: "E_STOPPED" } },
    ]);
    expect(leader.disk.isClosed).toBe(true);
    expect(leader.disk.load().lastIndex()).toBe(leader.node.status().lastIndex);
    await expect(leader.node.propose(bytes("d"))).rejects.toMatchObject({ code: "E_STOPPED" });
    await expect(leader.node.read()).rejects.toMatchObject({ code: "E_STOPPED" });
    expect(one.clock.timerCount).toBe(0);
  });

  test("L-11: waits for the snapshot in flight", async () => {
    const one = await cluster(1);
    const leader = await one.elect();
    leader.disk.hold();
    const { appliedIndex: index, appliedConfState: confState } = leader.node;
    const created = leader.node.createSnapshot({ index, confState, data: bytes("state"), keepEntries: 0 });

    const stopped = leader.node.stop();
    await one.settle();

    expect(leader.disk.isClosed).toBe(false);
    leader.disk.release();
    await Promise.all([created, stopped]);
    expect(leader.disk.isClosed).toBe(true);
  });

  test("after it a node sends nothing, and its timers are gone", async () => {
    const three = await cluster(3);
    const leader = await three.elect();
    await leader.node.stop();
    leader.sent.length = 0;

    await three.tick(5);
    leader.node.campaign();
    leader.node.step(new Message(MessageType.Heartbeat, leader.id, three.ids[1], 99));
    await three.settle();

    expect(leader.sent).toEqual([]);
    expect(leader.node.status().isFailed).toBe(false);
  });
});

test("L-17: the clock, the election and the failure of one cluster are not seen by another in the process", async () => {
  const [one, other] = [await cluster(3), await cluster(3)];

  await one.tick(40);
  submitAll(one.leader, "a");
  await one.settle();
  await other.settle();

  expect(other.leader).toBeUndefined();
  expect([...other.members.values()].map(({ node }) => node.status().electionElapsed)).toEqual([0, 0, 0]);
  const leader = await other.elect("2");
  one.leader.disk.hold();
  submitAll(one.leader, "b");
  await one.settle();
  one.leader.disk.fail(new Error("no space left"));
  submitAll(leader, "c");
  await one.settle();
  await other.settle();
  expect([...other.members.values()].map(({ machine }) => machine.values)).toEqual([["c"], ["c"], ["c"]]);
  expect([...other.members.values()].flatMap(({ fatal }) => fatal)).toEqual([]);
});

test("the memory that raft reads mirrors what is durable", async () => {
  const memory = new MemoryStorage();
  const one = await cluster(1, { memory });
  const leader = await one.elect();

  submitAll(leader, "a");
  await one.settle();

  const { commit, term, vote } = leader.node.status();
  expect(memory.initialState().hardState).toEqual({ commit, term, vote });
  expect(memory.lastIndex()).toBe(commit);
});

test("a disk of memory gives back what was saved", () => {
  expect(new TestDisk().load().lastIndex()).toBe(0);
});
