// What is measured: proposals through whole groups, and single operations. Targets: raft.md §18.

import { decodeMessage, encodeMessage } from "../src/codec/index.ts";
import { EntryType, MemoryStorage, Message, MessageType, NONE, parseNodeId, RawNode } from "../src/index.ts";
import { Group } from "./group.mjs";
import { bytesPerOperation, heldBytes, operationsPerSecond } from "./measure.mjs";

const PAYLOAD = new Uint8Array(100).fill(120);
/** Operations between two looks at the clock. */
const CHUNK = 4_096;
/** No chance: each node has the shortest timeout. */
const FIRST = () => 0;
const IDLE_GROUP_COUNT = 10_000;
const KIBI = 1_024;

/** Proposals per CPU second: `size` members, `count` proposals a round, as single ones or as one batch. */
const THROUGHPUT = [
  { name: "3 nodes, one proposal at a time", size: 3, count: 1, isBatch: false, target: 150_000 },
  { name: "3 nodes, 16 single proposals a round", size: 3, count: 16, isBatch: false, target: 400_000 },
  { name: "3 nodes, 64 single proposals a round", size: 3, count: 64, isBatch: false, target: 600_000 },
  { name: "3 nodes, 64 entries in one proposal", size: 3, count: 64, isBatch: true, target: 2_000_000 },
  { name: "3 nodes, 256 entries in one proposal", size: 3, count: 256, isBatch: true, target: 2_500_000 },
  { name: "1 node, 64 entries in one proposal", size: 1, count: 64, isBatch: true, target: 5_000_000 },
];

function throughput({ name, size, count, isBatch, target }) {
  const group = new Group(size);
  const batch = Array.from({ length: count }, () => PAYLOAD);
  const roundsPerChunk = Math.ceil(CHUNK / count);
  const chunk = () => {
    for (let round = 0; round < roundsPerChunk; round++) {
      if (isBatch) group.leader.proposeBatch(batch);
      else for (let i = 0; i < count; i++) group.leader.propose(PAYLOAD);
      group.settle();
    }
  };
  const before = group.applied;
  chunk();
  if (group.applied !== before + roundsPerChunk * count)
    throw new Error(`${name}: not everything was applied`);
  const proposals = roundsPerChunk * count;
  return {
    name,
    unit: "proposals/s",
    value: operationsPerSecond(proposals, chunk),
    target,
    bytes: bytesPerOperation(proposals, chunk),
  };
}

/** Nanoseconds of one of `count` operations that `work` does. */
function operation(name, target, work) {
  return {
    name,
    unit: "ns",
    value: 1e9 / operationsPerSecond(CHUNK, work),
    target,
    bytes: bytesPerOperation(CHUNK, work),
  };
}

function repeat(act) {
  return () => {
    for (let i = 0; i < CHUNK; i++) act(i);
  };
}

/** A follower that never campaigns, because it is no member. */
function idleTick() {
  const node = new RawNode({ id: parseNodeId("9"), storage: idleStorage(), random: FIRST });
  return operation(
    "idle tick of a follower",
    100,
    repeat(() => node.tick()),
  );
}

function leaderTick() {
  const group = new Group(5);
  const work = repeat(() => {
    group.leader.tick();
    group.settle();
  });
  const all = operation("leader tick with 4 peers, answers and all", null, work);
  const alone = new Group(5);
  const tick = operation(
    "leader tick with 4 peers",
    2_000,
    repeat(() => {
      alone.leader.tick();
      alone.leader.advance(alone.leader.ready());
      // What a round of heartbeats' answers would do: without it the leader steps down.
      for (const from of alone.nodes.slice(1)) {
        const answer = new Message(MessageType.HeartbeatResp, alone.leader.id, from.id, alone.leader.term);
        alone.leader.step(answer);
      }
    }),
  );
  return [tick, all];
}

/** Acknowledgements of one entry each, by a learner: they move its window and commit nothing. */
function acknowledgement() {
  const learner = parseNodeId("2");
  const group = new Group(1, [learner]);
  const { leader } = group;
  const answer = new Message(MessageType.AppResp, leader.id, learner, leader.term);
  const batch = Array.from({ length: CHUNK }, () => PAYLOAD);
  const work = () => {
    const { index } = leader.proposeBatch(batch);
    group.settle();
    for (let i = 0; i < CHUNK; i++) {
      answer.index = index + i;
      leader.step(answer);
    }
  };
  return operation("accepted AppResp, and its entry's append", 1_000, work);
}

function codec() {
  const message = new Message(MessageType.App, parseNodeId("2"), parseNodeId("1"), 5);
  message.entries = Array.from({ length: 64 }, (_, i) => {
    return { term: 5, index: 1_000_000 + i, type: EntryType.Normal, data: PAYLOAD };
  });
  const bytes = encodeMessage(message);
  return [
    operation(
      "encode an append of 64 × 100 B",
      15_000,
      repeat(() => encodeMessage(message)),
    ),
    operation(
      "decode an append of 64 × 100 B",
      15_000,
      repeat(() => decodeMessage(bytes)),
    ),
  ];
}

function idleStorage() {
  const voters = ["1", "2", "3"].map(parseNodeId);
  const confState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const storage = new MemoryStorage();
  storage.applySnapshot({ meta: { index: 1, term: 1, confState }, data: null });
  storage.setHardState({ term: 1, vote: NONE, commit: 1 });
  return storage;
}

/** Heap of a node in a group of three, without its storage. */
function idleGroup() {
  const storages = Array.from({ length: IDLE_GROUP_COUNT }, idleStorage);
  const id = parseNodeId("1");
  const value = heldBytes(IDLE_GROUP_COUNT, () =>
    storages.map((storage) => new RawNode({ id, storage, random: FIRST })),
  );
  return { name: "heap of an idle node with 3 members", unit: "bytes", value, target: 2 * KIBI, bytes: null };
}

/** Measures everything: name, unit, value, target (null if there is none) and bytes allocated per operation. */
export function measureAll() {
  return [
    ...THROUGHPUT.map(throughput),
    idleTick(),
    ...leaderTick(),
    acknowledgement(),
    ...codec(),
    idleGroup(),
  ];
}
