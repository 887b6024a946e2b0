import { Message, MessageType } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import type { TransportContext } from "./context.ts";
import { createDispatcher } from "./dispatcher.ts";
import { isLinkHeartbeat } from "./frames.ts";
import { MessageDecoder, MessageEncoder } from "./frames-message.ts";
import {
  CLUSTER,
  Happenings,
  ManualClock,
  RecordingReceiver,
  recordingLogger,
} from "./member.test.support.ts";
import { LINK_HEARTBEAT_MS, STREAM_QUEUE_LIMIT, StreamWriter } from "./stream-writer.ts";

const PEER = parseNodeId("b");

test("messages that are sent in one turn leave as one chunk", async () => {
  const { writer } = setUp();
  const first = writer.next();

  writer.send(append(1));
  writer.send(append(2));
  writer.send(append(3));
  const chunk = (await first).value;
  const second = writer.next();
  writer.send(append(4));

  expect(indexesOf(chunk)).toEqual([1, 2, 3]);
  expect(indexesOf((await second).value)).toEqual([4]);
});

test("nothing is encoded before the network has taken the last chunk", async () => {
  const { writer, happenings } = setUp();
  writer.send(append(1));
  await writer.next();

  for (let i = 2; i < 100; i++) writer.send(append(i));
  await Promise.resolve();
  expect(happenings.count(/^sent append/)).toBe(1);

  expect(indexesOf((await writer.next()).value)).toEqual(Array.from({ length: 98 }, (_, i) => i + 2));
});

test("the time that the network took is the latency of the appends in the chunk", async () => {
  const { writer, clock, happenings } = setUp();
  writer.send(append(1));
  writer.send(new Message(MessageType.HeartbeatResp, PEER, parseNodeId("a"), 1));
  await writer.next();

  clock.advance(7);
  const waiting = writer.next();

  expect(happenings.list.map(({ what }) => what).filter((what) => what.startsWith("succeeded"))).toEqual([
    "succeeded b 7",
  ]);
  writer.end(null);
  await waiting;
});

test("the queue takes 4096 messages; an end loses them and says which", async () => {
  const { writer, ends } = setUp();
  for (let i = 0; i < STREAM_QUEUE_LIMIT; i++) expect(writer.send(append(i))).toBe(true);
  expect(writer.send(append(5000))).toBe(false);

  writer.end("the test is over");

  expect(ends.map(({ reason, lost }) => ({ reason, lostCount: lost.length }))).toEqual([
    { reason: "the test is over", lostCount: STREAM_QUEUE_LIMIT },
  ]);
  expect(writer.send(append(1))).toBe(false);
  expect(await writer.next()).toEqual({ done: true, value: undefined });
});

test("a long queue leaves in chunks of about 1 MiB", async () => {
  const { writer } = setUp();
  for (let i = 0; i < 40; i++) writer.send(append(i, 100_000));

  const sizes = [];
  for (let seen = 0; seen < 40;) {
    const chunk = (await writer.next()).value;
    sizes.push(chunk?.length ?? 0);
    seen += indexesOf(chunk).length;
  }

  expect(sizes.length).toBe(4);
  expect(Math.max(...sizes)).toBeLessThan((1 << 20) + 200_000);
});

test("a link heartbeat goes out every 5/3 s, one at a time", async () => {
  const { writer, clock } = setUp();
  const waiting = writer.next();

  clock.advance(LINK_HEARTBEAT_MS - 1);
  clock.advance(1);
  expect(heartbeatsOf((await waiting).value)).toBe(1);

  clock.advance(LINK_HEARTBEAT_MS);
  clock.advance(LINK_HEARTBEAT_MS);
  expect(heartbeatsOf((await writer.next()).value)).toBe(1);
});

test("a peer that takes nothing for 5 s has lost the stream, which is then cut and not ended", async () => {
  const { writer, clock, ends } = setUp();
  writer.send(append(1));
  await writer.next();
  writer.send(append(2));

  clock.advance(4_900);
  expect(ends).toEqual([]);
  clock.advance(2 * LINK_HEARTBEAT_MS);

  expect(ends.map(({ reason }) => reason)).toEqual(["the peer took nothing for 5000 ms"]);
  await expect(writer.next()).rejects.toMatchObject({ code: "E_TIMEOUT" });
});

test("a peer that leaves ends the stream once, and no timer is left", async () => {
  const { writer, clock, ends } = setUp();
  const waiting = writer.next();

  await writer.return();
  await writer.return();

  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(ends).toHaveLength(1);
  expect(clock.timerCount).toBe(0);
});

interface End {
  readonly reason: string | null;
  readonly lost: readonly Message[];
}

function setUp(): { writer: StreamWriter; clock: ManualClock; happenings: Happenings; ends: End[] } {
  const happenings = new Happenings();
  const clock = new ManualClock(happenings);
  const receiver = new RecordingReceiver(happenings);
  const ends: End[] = [];
  const context: TransportContext = {
    id: parseNodeId("a"),
    clusterId: CLUSTER,
    versions: { server: "2.3.8", minCluster: "2.2.0" },
    isAmongEtcd3: false,
    receiver,
    stats: receiver,
    clock,
    logger: recordingLogger(happenings),
    dispatcher: createDispatcher({ dialTimeoutMs: 1, tls: null }),
    headers: {},
  };
  const writer = new StreamWriter(context, PEER, new MessageEncoder(), (_, reason, lost) =>
    ends.push({ reason, lost }),
  );
  return { writer, clock, happenings, ends };
}

function append(index: number, sizeBytes: number = 1): Message {
  const message = new Message(MessageType.App, PEER, parseNodeId("a"), 1);
  message.index = index;
  message.entries = [{ term: 1, index: index + 1, type: 0, data: new Uint8Array(sizeBytes) }];
  return message;
}

function messagesOf(chunk: Uint8Array | undefined): Message[] {
  if (chunk === undefined) throw new Error("the stream has ended");
  const decoder = new MessageDecoder();
  decoder.push(chunk);
  const messages: Message[] = [];
  for (let message = decoder.next(); message !== null; message = decoder.next()) messages.push(message);
  return messages;
}

function indexesOf(chunk: Uint8Array | undefined): number[] {
  return messagesOf(chunk).map((message) => message.index);
}

function heartbeatsOf(chunk: Uint8Array | undefined): number {
  return messagesOf(chunk).filter(isLinkHeartbeat).length;
}
