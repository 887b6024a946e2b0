import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { EntryType, Message, MessageType, type NodeId } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { describe, expect, test } from "vitest";
import { connectedPair, Happenings, portOf, TestMember } from "./member.test.support.ts";
import { REDIAL_MS, STREAM_READ_TIMEOUT_MS } from "./stream-reader.ts";
import { LINK_HEARTBEAT_MS, STREAM_QUEUE_LIMIT } from "./stream-writer.ts";

const A = parseNodeId("a");
const B = parseNodeId("b");
const C = parseNodeId("c");

describe("between two connected members", () => {
  test("appends use the append stream, all else the message stream, nothing is posted", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    const sent = [append(A, B, 4, 2), append(A, B, 6, 1), append(A, B, 7, 0), heartbeat(A, B, 7)];

    a.transport.send(sent);
    await b.happenings.until(/^process 3/, 3);
    await b.happenings.until(/^process 8/);

    const appends = b.happenings.list.filter(({ what }) => what.startsWith("process 3"));
    expect(appends.map(({ message }) => message)).toEqual(sent.slice(0, 3));
    expect((await b.happenings.until(/^process 8/)).message).toEqual(sent[3]);
    expect(b.happenings.count(/POST/)).toBe(0);
    expect(a.happenings.count(/^sent append b/)).toBe(3);
    expect(b.happenings.count(/^received append a/)).toBe(3);
    expect(a.transport.activeSince(B)).not.toBeNull();
  });

  test("both directions carry messages, whoever sends more", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    for (let i = 0; i < 50; i++) a.transport.send([append(A, B, i, 1)]);
    b.transport.send([new Message(MessageType.HeartbeatResp, A, B, 5)]);

    await b.happenings.until(/^process 3 from a/, 50);
    await a.happenings.until(/^process 9 from b/);
    const indexes = b.happenings.list
      .filter(({ message }) => message !== null)
      .map(({ message }) => message?.index);
    expect(indexes).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test("an entry of 3 MiB passes the append stream", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    const message = append(A, B, 1, 0);
    message.entries = [{ term: 3, index: 2, type: EntryType.Normal, data: new Uint8Array(3 << 20).fill(7) }];

    a.transport.send([message]);

    const received = (await b.happenings.until(/^process 3/)).message;
    expect(received?.entries[0]?.data?.length).toBe(3 << 20);
    expect(received?.entries[0]?.data?.every((byte) => byte === 7)).toBe(true);
  });

  test("a snapshot is posted, and its delivery reported", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    a.transport.send([snapshot(A, B)]);

    await a.happenings.until(/^snapshot b delivered/);
    expect(b.happenings.count(/^204 POST \/raft$/)).toBe(1);
    expect((await b.happenings.until(/^process 7/)).message?.snapshot.data).toEqual(
      new Uint8Array(100_000).fill(1),
    );
  });

  test("a peer that restarts is redialled after 100 ms and gets messages again", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    const port = b.port;
    await b[Symbol.asyncDispose]();
    await a.happenings.until(/^timer 100$/, 2);
    expect(a.happenings.count(/^warn stream is down/)).toBe(1); // of the two, one is held back for a minute
    expect(a.transport.activeSince(B)).toBeNull();

    await using again = await TestMember.start("b", port);
    again.transport.addPeer(A, [a.url]);
    a.clock.advance(REDIAL_MS);
    await again.happenings.until(/^200 GET \/raft\/stream\/message\/a/);
    await a.happenings.until(/^200 GET \/raft\/stream\/message\/b/, 2);
    a.transport.send([heartbeat(A, B, 3)]);
    again.transport.send([heartbeat(B, A, 4)]);

    await again.happenings.until(/^process 8 from a/);
    await a.happenings.until(/^process 8 from b/);
  });

  test("a stream that is silent for 5 s is given up and dialled again", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    a.clock.advance(STREAM_READ_TIMEOUT_MS); // b's clock stands still, so no link heartbeats come
    await a.happenings.until(/^warn stream is down .*silent for 5000 ms/);
    await a.happenings.until(/^timer 100$/, 2);
    await b.happenings.until(/^info peer became inactive/);
    a.clock.advance(REDIAL_MS);

    await b.happenings.until(/^200 GET \/raft\/stream\/message\/a/, 2);
  });

  test("link heartbeats keep a stream open, and raft never sees them", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    for (let i = 1; i <= 6; i++) {
      b.clock.advance(LINK_HEARTBEAT_MS);
      // What b sends after its link heartbeat arrives after it.
      b.transport.send([heartbeat(B, A, i), append(B, A, i, 1)]);
      await a.happenings.until(/^process 8 from b/, i);
      await a.happenings.until(/^process 3 from b/, i);
      a.clock.advance(LINK_HEARTBEAT_MS);
    }

    expect(a.happenings.count(/stream is down/)).toBe(0);
    expect(a.happenings.count(/^process/)).toBe(12);
  });

  test("a removed peer is disconnected, its messages dropped, and its dial refused", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    a.receiver.removed.add(B);
    a.transport.removePeer(B);
    a.transport.send([heartbeat(A, B, 1)]);
    await b.happenings.until(/^timer 100$/, 2);
    b.clock.advance(REDIAL_MS);

    await b.happenings.until(/^removed by cluster/);
    expect(a.happenings.count(/^410 GET/)).toBeGreaterThan(0);
    expect(b.happenings.count(/^process/)).toBe(0);
    expect(a.transport.activeSince(B)).toBeNull();
  });

  test("after close no timer and no connection is left", async () => {
    await using pair = await connectedPair();
    const { a, b } = pair;
    await a.transport.close();
    await a.transport.close();
    await b[Symbol.asyncDispose]();

    expect(a.clock.timerCount).toBe(0);
    expect(b.clock.timerCount).toBe(0);
    expect(() => a.transport.addPeer(B, ["http://127.0.0.1:1"])).toThrow(
      expect.objectContaining({ code: "E_CLOSED" }),
    );
  });
});

describe("without streams", () => {
  test("messages are posted to a peer that does not know us", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addPeer(B, [b.url]);

    a.transport.send([heartbeat(A, B, 1), append(A, B, 1, 1)]);

    await b.happenings.until(/^process 8/);
    await b.happenings.until(/^process 3/);
    await a.happenings.until(/^succeeded b/);
    expect(b.happenings.count(/^204 POST \/raft$/)).toBe(2);
    expect(b.happenings.count(/^404 GET \/raft\/stream/)).toBe(2);
  });

  test("a dialler that names its URLs can be answered by post", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addPeer(B, [b.url]);
    await b.happenings.until(/^404 GET \/raft\/stream/);

    b.transport.send([new Message(MessageType.AppResp, A, B, 2)]);

    await a.happenings.until(/^process 4 from b/);
  });

  test("a remote is posted to, and a peer of the same id takes precedence", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addRemote(B, ["http://127.0.0.1:1"]);
    a.transport.addPeer(B, [b.url]);

    a.transport.send([heartbeat(A, B, 1)]);

    await b.happenings.until(/^process 8/);
  });

  test("the next URL is used when one fails", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addRemote(B, [await closedUrl(), b.url].toSorted());

    do a.transport.send([heartbeat(A, B, 1)]);
    while (await firstOf(a.happenings.until(/^unreachable/, 1), b.happenings.until(/^process 8/)));
    a.transport.send([heartbeat(A, B, 1)]);

    await b.happenings.until(/^process 8/);
  });

  test("a peer may be given by its host name", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addRemote(B, [`http://localhost:${b.port}`]);

    a.transport.send([heartbeat(A, B, 1)]);

    await b.happenings.until(/^process 8/);
  });

  test("a snapshot that cannot be delivered is reported so", async () => {
    await using a = await TestMember.start("a");
    a.transport.addRemote(B, [await closedUrl()]);

    a.transport.send([snapshot(A, B)]);

    await a.happenings.until(/^snapshot b lost/);
    expect(a.happenings.count(/^unreachable b/)).toBe(1);
  });

  test("a 403 tells that we were removed", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    b.receiver.removed.add(A);
    a.transport.addRemote(B, [b.url]);

    a.transport.send([heartbeat(A, B, 1)]);

    await a.happenings.until(/^removed by cluster/);
    expect(b.happenings.count(/^403 POST \/raft$/)).toBe(1);
    expect(b.happenings.count(/^process/)).toBe(0);
  });

  test("connections are used again", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    let connectionCount = 0;
    b.server.on("connection", () => connectionCount++);
    a.transport.addRemote(B, [b.url]);

    for (let i = 1; i <= 5; i++) {
      a.transport.send([append(A, B, i, 0)]);
      await a.happenings.until(/^succeeded b/, i);
    }

    expect(connectionCount).toBeLessThanOrEqual(2); // the first may not be free yet when its answer is reported
  });
});

describe("a peer that hangs", () => {
  test("does not block send: 68 posts are taken, the rest dropped and reported, all fail in time", async () => {
    await using a = await TestMember.start("a");
    await using hung = await HangingServer.start();
    a.transport.addPeer(B, [hung.url]);

    a.transport.send(Array.from({ length: 100 }, (_, i) => append(A, B, i, 0)));
    a.transport.send([snapshot(A, B)]);

    expect(a.happenings.count(/^unreachable b/)).toBe(100 - 68 + 1);
    expect(a.happenings.count(/^snapshot b lost/)).toBe(1);
    expect(a.transport.droppedCount(B)).toBe(100 - 68 + 1);

    await hung.happenings.until(/^POST/, 4);
    a.clock.advance(10_000);
    await a.happenings.until(/^unreachable b/, 33 + 4);
    await hung.happenings.until(/^POST/, 8); // the next four go their way
  });

  test("loses its stream when it takes nothing for 5 s; memory is bounded by the queue", async () => {
    await using a = await TestMember.start("a");
    await using b = await TestMember.start("b");
    a.transport.addPeer(B, [b.url]);
    await b.happenings.until(/^404 GET/, 2); // b does not dial a, the test does
    using socket = await openStream(a, B);
    socket.pause();
    const large = append(A, B, 1, 0);
    large.entries = [{ term: 3, index: 2, type: EntryType.Normal, data: new Uint8Array(8 << 20) }];

    a.transport.send(Array.from({ length: STREAM_QUEUE_LIMIT + 10 }, () => large));
    expect(a.happenings.count(/^unreachable b/)).toBe(10);
    await a.happenings.until(/^sent append b/);
    await new Promise(setImmediate);
    a.clock.advance(LINK_HEARTBEAT_MS * 3 + 1);

    await a.happenings.until(/^info peer became inactive .*took nothing for 5000 ms/);
    expect(a.happenings.count(/^unreachable b/)).toBe(11);
    expect(a.happenings.count(/^sent append b/)).toBeLessThan(20);
  });
});

test("a newer stream of the same kind replaces the older one, which ends properly", async () => {
  await using a = await TestMember.start("a");
  await using b = await TestMember.start("b");
  a.transport.addPeer(B, [b.url]);
  using first = await openStream(a, B);
  const firstBytes = readAll(first);

  using second = await openStream(a, B);
  a.transport.send([append(A, B, 1, 1)]);

  expect((await firstBytes).toString("latin1")).toMatch(/^0\r\n\r\n$/);
  const [chunk] = await once(second, "data");
  expect(String(chunk)).toContain("\x02");
});

test("what comes over a broken stream is dropped with the stream, and the peer dialled again", async () => {
  await using a = await TestMember.start("a");
  await using liar = await HangingServer.start((line) =>
    line.startsWith("GET /raft/stream/msgapp")
      ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n\x01\xff\xff\xff\xff\xff\xff\xff\xff\r\n"
      : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n\x00\x00\x00\x00\x7f\xff\xff\xff\r\n",
  );

  a.transport.addPeer(B, [liar.url]);
  await a.happenings.until(/^timer 100$/, 2);
  a.clock.advance(REDIAL_MS);

  await liar.happenings.until(/^GET \/raft\/stream/, 4);
  expect(a.happenings.count(/^process/)).toBe(0);
  expect(a.happenings.count(/^warn stream is down .*a frame announces/)).toBe(1); // the second is held back for a minute
});

function append(from: NodeId, to: NodeId, index: number, entryCount: number): Message {
  const message = new Message(MessageType.App, to, from, 3);
  message.logTerm = 3;
  message.index = index;
  message.commit = index;
  message.entries = Array.from({ length: entryCount }, (_, i) => ({
    term: 3,
    index: index + i + 1,
    type: EntryType.Normal,
    data: new Uint8Array([1, 2, 3]),
  }));
  return message;
}

test("among members of etcd 3 only one that has announced itself as kv is sent a snapshot", async () => {
  const release = { version: "3.4.23", minClusterVersion: "3.0.0" };
  await using a = await TestMember.start("a", 0, release);
  await using b = await TestMember.start("b", 0, release);
  await using silent = await TestMember.start("c", 0, release); // it never dials, so nothing was heard of it
  a.transport.addPeer(B, [b.url]);
  a.transport.addPeer(C, [silent.url]);
  b.transport.addPeer(A, [a.url]);
  await a.happenings.until(/^b reads kv/);

  a.transport.send([snapshot(A, C), snapshot(A, B)]);

  await a.happenings.until(/^snapshot b delivered/);
  expect(a.happenings.count(/^snapshot c lost/)).toBe(1);
  expect(silent.happenings.count(/POST/)).toBe(0);
});

function heartbeat(from: NodeId, to: NodeId, commit: number): Message {
  const message = new Message(MessageType.Heartbeat, to, from, 3);
  message.commit = commit;
  return message;
}

function snapshot(from: NodeId, to: NodeId): Message {
  const message = new Message(MessageType.Snap, to, from, 3);
  const confState = {
    voters: [from, to],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  message.snapshot = { meta: { index: 9, term: 3, confState }, data: new Uint8Array(100_000).fill(1) };
  return message;
}

async function firstOf(lost: Promise<unknown>, arrived: Promise<unknown>): Promise<boolean> {
  return Promise.race([lost.then(() => false), arrived.then(() => false)]);
}

// A URL at which nobody listens any more.
async function closedUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

// Dials an append stream by hand and returns once the head has come.
async function openStream(member: TestMember, from: NodeId): Promise<Socket & Disposable> {
  const socket = connect(member.port, "127.0.0.1");
  const head = [
    `GET /raft/stream/msgapp/${from} HTTP/1.1`,
    "Host: test",
    "X-Etcd-Cluster-ID: c1",
    "X-Server-Version: 2.3.8",
    "X-Min-Cluster-Version: 2.2.0",
    `X-Raft-To: ${member.id}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() });
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => {
    socket.on("data", () => {
      if (Buffer.concat(chunks).toString("latin1").endsWith("0\r\n\r\n")) resolve();
    });
  });
  await Promise.race([ended, once(socket, "close")]);
  return Buffer.concat(chunks);
}

// A server that reads, and answers nothing, or always the same.
class HangingServer {
  readonly happenings = new Happenings();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer();

  static async start(answer: (line: string) => string = () => ""): Promise<HangingServer> {
    const self = new HangingServer();
    self.#server.on("connection", (socket) => {
      self.#sockets.add(socket);
      socket.on("error", () => {}); // the other side breaks off
      socket.on("close", () => self.happenings.add("closed"));
      socket.on("data", (data) => {
        const line = data.toString("latin1").split("\r\n")[0] ?? "";
        self.happenings.add(line);
        socket.write(answer(line), "latin1");
      });
    });
    self.#server.listen(0, "127.0.0.1");
    await once(self.#server, "listening");
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
