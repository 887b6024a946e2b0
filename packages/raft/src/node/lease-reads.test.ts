// The driver's part in reads by lease: it tells the core of all time that has passed, before anything else.

import { expect, onTestFinished, test } from "vitest";
import { parseNodeId } from "../codec/index.ts";
import { Message, MessageType } from "../message.ts";
import { EntryType } from "../types.ts";
import { systemClock } from "./clock.ts";
import { bytes, Cluster, TestDisk, TICK_MS, type Member } from "./cluster.test.support.ts";

const ELECTION_TICKS = 10;

/** Three members with reads by lease; member 1 leads and has its lease. */
async function leaseCluster(initialTicks = 0): Promise<{ readonly three: Cluster; readonly leader: Member }> {
  const three = new Cluster(0);
  onTestFinished(() => three.stop());
  const ids = ["1", "2", "3"].map(parseNodeId);
  for (const [i, id] of ids.entries()) {
    three.start(id, new TestDisk(), {
      raft: { id, random: (n) => Math.min(4 * i, n - 1), readOnly: "lease" },
      bootstrap: ids.map((one) => ({ id: one })),
      initialTicks,
    });
  }
  await three.tick(ELECTION_TICKS + 2);
  return { three, leader: three.member("1") };
}

/** A read that member 2 asks of the leader. */
function forwarded(leader: Member): Message {
  const message = new Message(MessageType.ReadIndex, leader.id, parseNodeId("2"));
  message.entries = [{ term: 0, index: 0, type: EntryType.Normal, data: bytes("r") }];
  return message;
}

function answerCount(leader: Member): number {
  return leader.sent.filter(({ type }) => type === MessageType.ReadIndexResp).length;
}

test("a leader answers by its lease although nobody can be reached", async () => {
  const { three, leader } = await leaseCluster();
  three.cut(leader);

  leader.node.step(forwarded(leader));
  const read = leader.node.read();
  await three.settle();

  expect(answerCount(leader)).toBe(1);
  expect(await read).toBe(leader.node.status().commit);
});

test("a leader that stood still answers nothing by the lease from before, whatever it hears of first", async () => {
  const { three, leader } = await leaseCluster();
  three.cut(leader);

  three.clock.time += ELECTION_TICKS * TICK_MS;
  leader.node.step(forwarded(leader));
  await three.settle();

  expect(answerCount(leader)).toBe(0);
});

test("a save that ends after a pause lets nothing be answered either", async () => {
  const { three, leader } = await leaseCluster();
  leader.disk.hold();
  leader.node.submit(bytes("x"));
  await three.settle();
  three.cut(leader);
  let isAnswered = false;
  leader.node.read().then(
    () => (isAnswered = true),
    () => {}, // the node is stopped at the end
  );

  three.clock.time += ELECTION_TICKS * TICK_MS;
  leader.disk.release();
  // The save is noticed before the next turn of the loop.
  await new Promise<void>((resolve) => systemClock.defer(resolve));

  expect(isAnswered).toBe(false);
});

test("ticks that count as passed at the start shorten no promise", async () => {
  const { three } = await leaseCluster(ELECTION_TICKS - 1);

  const elections = three.member("1").sent.filter(({ type }) => type === MessageType.PreVote);

  expect(three.member("1").node.term).toBe(2);
  expect(elections).toHaveLength(2);
});
