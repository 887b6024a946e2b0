import { Message, MessageType, type NodeId } from "@kv/raft";
import { encodeMessage, parseNodeId } from "@kv/raft/codec";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { LINK_HEARTBEAT } from "./frames.ts";
import { HttpBodyError, type HttpRequest, type HttpResponse } from "./http.ts";
import {
  CLUSTER,
  Happenings,
  ManualClock,
  RecordingReceiver,
  recordingLogger,
} from "./member.test.support.ts";
import { HttpTransport } from "./transport.ts";

const US = parseNodeId("a");
const PEER = parseNodeId("b");
const REMOVED = parseNodeId("dead");

const SENDER = {
  "x-etcd-cluster-id": CLUSTER,
  "x-server-from": PEER,
  "x-server-version": "2.3.8",
  "x-min-cluster-version": "2.2.0",
};
const DIALLER = { ...SENDER, "x-raft-to": US };

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly bodyError?: HttpBodyError;
  readonly chunks?: readonly Uint8Array[];
}

const opened: HttpTransport[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
});

// peer-protocol.md §3, in the order of its checks: each case passes all checks before its own.
const POSTS: readonly (Asked & { name: string; status: number; text: string })[] = [
  { name: "another method", method: "GET", path: "/raft", status: 405, text: "Method Not Allowed\n" },
  {
    name: "an old version",
    path: "/raft",
    headers: without("x-server-version"),
    status: 412,
    text: "incompatible version\n",
  },
  {
    name: "a version that is none",
    path: "/raft",
    headers: { ...SENDER, "x-server-version": "x" },
    status: 412,
    text: "incompatible version\n",
  },
  {
    name: "too new a version",
    path: "/raft",
    headers: { ...SENDER, "x-min-cluster-version": "3.0.0" },
    status: 412,
    text: "incompatible version\n",
  },
  {
    name: "no cluster",
    path: "/raft",
    headers: without("x-etcd-cluster-id"),
    status: 412,
    text: "cluster ID mismatch\n",
  },
  {
    name: "another cluster",
    path: "/raft",
    headers: { ...SENDER, "x-etcd-cluster-id": "c2" },
    status: 412,
    text: "cluster ID mismatch\n",
  },
  {
    name: "a body that breaks off",
    path: "/raft",
    headers: SENDER,
    bodyError: new HttpBodyError("aborted", ""),
    status: 400,
    text: "error reading raft message\n",
  },
  {
    name: "a body that is too large",
    path: "/raft",
    headers: SENDER,
    bodyError: new HttpBodyError("too_large", ""),
    status: 400,
    text: "error reading raft message\n",
  },
  {
    name: "a body that is no message",
    path: "/raft",
    headers: SENDER,
    body: Buffer.from("nonsense"),
    status: 400,
    text: "error unmarshaling raft message\n",
  },
  {
    name: "a removed sender",
    path: "/raft",
    headers: SENDER,
    body: heartbeat(REMOVED, US),
    status: 403,
    text: '{"message":"cannot process message from removed member"}',
  },
  {
    name: "a message for somebody else",
    path: "/raft",
    headers: SENDER,
    body: heartbeat(PEER, parseNodeId("c")),
    status: 500,
    text: "error processing raft message\n",
  },
  {
    name: "an empty body, a Hup",
    path: "/raft",
    headers: SENDER,
    body: new Uint8Array(0),
    status: 204,
    text: "",
  },
  { name: "a message", path: "/raft", headers: SENDER, body: heartbeat(PEER, US), status: 204, text: "" },
];

describe("POST /raft answers", () => {
  test.each(POSTS)("$status to $name", async (asked) => {
    const { transport, happenings } = member();

    const response = await transport.handler(request({ method: "POST", ...asked }));

    expect(response.status).toBe(asked.status);
    expect(response.body ?? "").toBe(asked.text);
    expect(headerOf(response, "Allow")).toBe(asked.status === 405 ? "POST" : undefined);
    expect(headerOf(response, "X-Etcd-Cluster-ID")).toBe(asked.status === 405 ? undefined : CLUSTER);
    expect(happenings.count(/^process/)).toBe(asked.name === "a message" ? 1 : 0);
  });

  test("500 when raft cannot take the message", async () => {
    const { transport, receiver } = member();
    receiver.process = () => {
      throw new Error("stopped");
    };

    const response = await transport.handler(
      request({ method: "POST", path: "/raft", headers: SENDER, body: heartbeat(PEER, US) }),
    );

    expect(response).toMatchObject({ status: 500, body: "error processing raft message\n" });
  });

  test("no message that a node sends only to itself reaches raft", async () => {
    const { transport, happenings } = member();
    const internal = [
      MessageType.Hup,
      MessageType.Beat,
      MessageType.Unreachable,
      MessageType.SnapStatus,
      MessageType.CheckQuorum,
      MessageType.StorageAppendResp,
      MessageType.StorageApplyResp,
    ];

    for (const type of internal) {
      const body = encodeMessage(new Message(type, US, PEER, 1));
      expect(
        await transport.handler(request({ method: "POST", path: "/raft", headers: SENDER, body })),
      ).toMatchObject({
        status: 204,
      });
    }

    expect(happenings.count(/^process/)).toBe(0);
  });

  test("a message that owns its bytes, when the body is part of a large buffer", async () => {
    const { transport, happenings } = member();
    const message = new Message(MessageType.Prop, US, PEER);
    message.entries = [{ term: 0, index: 0, type: 0, data: new Uint8Array(10) }];
    const encoded = encodeMessage(message);
    const slab = new Uint8Array(65_536);
    slab.set(encoded, 100);

    const body = slab.subarray(100, 100 + encoded.length);
    await transport.handler(request({ method: "POST", path: "/raft", headers: SENDER, body }));

    const received = (await happenings.until(/^process/)).message;
    expect(received?.entries[0]?.data?.buffer.byteLength).toBe(encoded.length);
  });
});

const STREAMS: readonly (Asked & { name: string; status: number; text: string })[] = [
  {
    name: "another method",
    method: "POST",
    path: "/raft/stream/msgapp/b",
    status: 405,
    text: "Method Not Allowed\n",
  },
  {
    name: "an old version",
    path: "/raft/stream/msgapp/b",
    headers: { "x-etcd-cluster-id": CLUSTER },
    status: 412,
    text: "incompatible version\n",
  },
  {
    name: "another cluster",
    path: "/raft/stream/msgapp/b",
    headers: { ...DIALLER, "x-etcd-cluster-id": "c2" },
    status: 412,
    text: "cluster ID mismatch\n",
  },
  {
    name: "an unknown kind",
    path: "/raft/stream/other/b",
    headers: DIALLER,
    status: 404,
    text: "invalid path\n",
  },
  {
    name: "a kind that is too deep",
    path: "/raft/stream/msgapp/b/c",
    headers: DIALLER,
    status: 404,
    text: "invalid path\n",
  },
  {
    name: "the first stream version",
    path: "/raft/stream/b",
    headers: DIALLER,
    status: 404,
    text: "invalid path\n",
  },
  {
    name: "an id that is none",
    path: "/raft/stream/msgapp/xyz",
    headers: DIALLER,
    status: 404,
    text: "invalid from\n",
  },
  { name: "no id", path: "/raft/stream/msgapp/", headers: DIALLER, status: 404, text: "invalid from\n" },
  {
    name: "a removed member",
    path: "/raft/stream/message/dead",
    headers: DIALLER,
    status: 410,
    text: "removed member\n",
  },
  {
    name: "an unknown member",
    path: "/raft/stream/message/c",
    headers: DIALLER,
    status: 404,
    text: "error sender not found\n",
  },
  {
    name: "a member looking for somebody else",
    path: "/raft/stream/message/b",
    headers: { ...DIALLER, "x-raft-to": "c" },
    status: 412,
    text: "to field mismatch\n",
  },
  {
    name: "a member that does not say whom it looks for",
    path: "/raft/stream/message/b",
    headers: SENDER,
    status: 412,
    text: "to field mismatch\n",
  },
];

describe("GET /raft/stream answers", () => {
  test.each(STREAMS)("$status to $name", async (asked) => {
    const { transport } = member();

    const response = await transport.handler(request({ method: "GET", ...asked }));

    expect(response.status).toBe(asked.status);
    expect(response.body).toBe(asked.text);
    expect(headerOf(response, "Allow")).toBe(asked.status === 405 ? "GET" : undefined);
    expect(headerOf(response, "X-Server-Version")).toBe(asked.status === 405 ? undefined : "2.3.8");
  });

  test.each(["msgapp", "message"])("200 and an open body to a peer's %s stream", async (kind) => {
    const { transport } = member();

    const response = await transport.handler(
      request({ method: "GET", path: `/raft/stream/${kind}/b`, headers: DIALLER }),
    );

    expect(response.status).toBe(200);
    expect(headerOf(response, "X-Etcd-Cluster-ID")).toBe(CLUSTER);
    expect(headerOf(response, "X-Server-Version")).toBe("2.3.8");
    expect(typeof response.body).toBe("object");
  });

  test("no flood of strangers makes it remember more than 64 of them", async () => {
    const { transport, happenings } = member();
    for (let i = 0; i < 100; i++) {
      const headers = {
        ...DIALLER,
        "x-peerurls": i % 10 === 0 ? "nonsense" : "http://127.0.0.1:1,http://127.0.0.1:2",
      };
      await transport.handler(request({ method: "GET", path: `/raft/stream/msgapp/f${i}`, headers }));
    }

    transport.send(
      Array.from({ length: 100 }, (_, i) => new Message(MessageType.AppResp, parseNodeId(`f${i}`), US, 1)),
    );

    expect(happenings.count(/^debug message to an unknown member/)).toBe(100 - 64);
  });
});

const SNAPSHOTS: readonly (Asked & { name: string; status: number; text: string })[] = [
  {
    name: "another method",
    method: "PUT",
    path: "/raft/snapshot",
    status: 405,
    text: "Method Not Allowed\n",
  },
  { name: "an old version", path: "/raft/snapshot", status: 412, text: "incompatible version\n" },
  {
    name: "another cluster",
    path: "/raft/snapshot",
    headers: { ...SENDER, "x-etcd-cluster-id": "" },
    status: 412,
    text: "cluster ID mismatch\n",
  },
  {
    name: "nothing",
    path: "/raft/snapshot",
    headers: SENDER,
    chunks: [],
    status: 400,
    text: "failed to decode raft message (unexpected EOF)\n",
  },
  {
    name: "half a message",
    path: "/raft/snapshot",
    headers: SENDER,
    chunks: [framed(snapshot()).subarray(0, 30)],
    status: 400,
    text: "failed to decode raft message (unexpected EOF)\n",
  },
  {
    name: "another message",
    path: "/raft/snapshot",
    headers: SENDER,
    chunks: [framed(LINK_HEARTBEAT)],
    status: 400,
    text: "wrong raft message type\n",
  },
  {
    name: "a snapshot and a database",
    path: "/raft/snapshot",
    headers: SENDER,
    chunks: [framed(snapshot()), new Uint8Array(99)],
    status: 204,
    text: "",
  },
];

describe("POST /raft/snapshot answers", () => {
  test.each(SNAPSHOTS)("$status to $name", async (asked) => {
    const { transport, happenings } = member();

    const response = await transport.handler(request({ method: "POST", ...asked }));

    expect(response.status).toBe(asked.status);
    expect(response.body ?? "").toBe(asked.text);
    expect(happenings.count(/^process 7/)).toBe(asked.status === 204 ? 1 : 0);
  });

  test("400 to a giant length, without waiting for its bytes", async () => {
    const { transport } = member();
    const chunks = [Buffer.from("7fffffffffffffff", "hex")];

    const response = await transport.handler(
      request({ method: "POST", path: "/raft/snapshot", headers: SENDER, chunks }),
    );

    expect(response.status).toBe(400);
  });

  test("500 to a database of more than 8 GiB", async () => {
    const { transport } = member();
    const large = new Uint8Array(64 << 20);
    const chunks = [framed(snapshot()), ...Array.from({ length: 129 }, () => large)];

    const response = await transport.handler(
      request({ method: "POST", path: "/raft/snapshot", headers: SENDER, chunks }),
    );

    expect(response.status).toBe(500);
  });

  test("500 when the sender breaks off inside its database", async () => {
    const { transport, happenings } = member();
    const broken = request({ method: "POST", path: "/raft/snapshot", headers: SENDER });
    const response = await transport.handler({ ...broken, chunks: brokenOff() });

    expect(response.status).toBe(500);
    expect(happenings.count(/^process/)).toBe(0);
  });
});

test("probing answers everybody, with the time of day", async () => {
  const { transport } = member();

  const response = await transport.handler(request({ method: "GET", path: "/raft/probing" }));

  expect(response.status).toBe(200);
  expect(response.body).toBe('{"OK":true,"Now":"2027-01-15T08:00:01.000Z"}\n');
});

test.each(["/", "/members", "/version", "/raft/", "/raft/stream", "/raftx", "/leases", "/v2/keys"])(
  "%s is not known here",
  async (path) => {
    const { transport } = member();

    expect(await transport.handler(request({ method: "GET", path, headers: DIALLER }))).toMatchObject({
      status: 404,
      body: "404 page not found\n",
    });
  },
);

test("any bytes in any body are answered, and raft sees only what reads as a message", async () => {
  const { transport } = member();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("/raft", "/raft/snapshot"),
      fc.uint8Array({ maxLength: 300 }),
      async (path, body) => {
        const response = await transport.handler(
          request({ method: "POST", path, headers: SENDER, body, chunks: [body] }),
        );
        expect([204, 400, 403, 500]).toContain(response.status);
      },
    ),
    { numRuns: 1000 },
  );
});

test("any path, method and headers are answered", async () => {
  const { transport } = member();
  const text = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  const someHeaders = fc.record(
    {
      "x-etcd-cluster-id": text,
      "x-server-version": text,
      "x-min-cluster-version": text,
      "x-raft-to": text,
      "x-peerurls": text,
    },
    { requiredKeys: [] },
  );
  const path = fc.oneof(
    text,
    text.map((tail) => `/raft/stream/msgapp/${tail}`),
    fc.constant("/raft"),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("GET", "POST"), path, someHeaders, async (method, where, headers) => {
      const response = await transport.handler(
        request({ method, path: where, headers: { ...DIALLER, ...headers }, body: new Uint8Array(0) }),
      );
      expect(response.status).toBeGreaterThanOrEqual(200);
    }),
    { numRuns: 300 },
  );
});

function member(): { transport: HttpTransport; happenings: Happenings; receiver: RecordingReceiver } {
  const happenings = new Happenings();
  const receiver = new RecordingReceiver(happenings);
  receiver.removed.add(REMOVED);
  const transport = new HttpTransport(
    { id: US, clusterId: CLUSTER, peerUrls: [], version: "2.3.8", minClusterVersion: "2.2.0" },
    { receiver, stats: receiver, clock: new ManualClock(happenings), logger: recordingLogger(happenings) },
  );
  transport.addPeer(PEER, ["http://127.0.0.1:1"]);
  opened.push(transport);
  return { transport, happenings, receiver };
}

function request(asked: Asked): HttpRequest {
  const { bodyError, body = new Uint8Array(0) } = asked;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* asked.chunks ?? [];
  }
  return {
    method: asked.method ?? "GET",
    path: asked.path,
    rawPath: asked.path,
    query: "",
    header: (name) => asked.headers?.[name],
    headers: Object.entries(asked.headers ?? {}),
    body: () => (bodyError === undefined ? Promise.resolve(body) : Promise.reject(bodyError)),
    latin1: () => Promise.reject(new Error("peers send bytes")),
    chunks: chunks(),
    remote: { address: "127.0.0.1" },
    signal: new AbortController().signal,
  };
}

async function* brokenOff(): AsyncGenerator<Uint8Array> {
  yield framed(snapshot());
  throw new HttpBodyError("aborted", "the client went away");
}

function headerOf(response: HttpResponse, name: string): string | undefined {
  return response.headers.find(([header]) => header === name)?.[1];
}

function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(SENDER).filter(([header]) => header !== name));
}

function heartbeat(from: NodeId, to: NodeId): Uint8Array {
  return encodeMessage(new Message(MessageType.Heartbeat, to, from, 3));
}

function snapshot(): Message {
  const message = new Message(MessageType.Snap, US, PEER, 3);
  const confState = { voters: [US], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  message.snapshot = { meta: { index: 9, term: 3, confState }, data: new Uint8Array(50) };
  return message;
}

function framed(message: Message): Uint8Array {
  const bytes = encodeMessage(message);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(bytes.length));
  return Buffer.concat([length, bytes]);
}
