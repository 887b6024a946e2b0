// What etcd 2.x misreads never reaches a process that has not announced itself on that very request.

import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { Message, MessageType, type NodeId } from "@kv/raft";
import { decodeMessage, encodeMessage, parseNodeId } from "@kv/raft/codec";
import { describe, expect, test } from "vitest";
import { ANNOUNCEMENT_HEADER, Announcements, dialectOf } from "./announcement.ts";
import { CLUSTER, connectedPair, portOf, TestMember } from "./member.test.support.ts";
import { REDIAL_MS } from "./stream-reader.ts";

const A = parseNodeId("a");
const B = parseNodeId("b");
/** The types that 2.3.8 does not have and that travel (raft.md §2.3). */
const ONLY_FOR_KV = [13, 14, 15, 16, 17, 18] as const;

describe("an announcement", () => {
  test.each([
    ["1", "kv"],
    ["2", "kv"],
    ["17", "kv"],
    ["0", "etcd2"],
    ["", "etcd2"],
    ["01", "etcd2"],
    ["yes", "etcd2"],
    [undefined, "etcd2"],
    [["1", "1"], "etcd2"],
  ] as const)("of %j says %s", (value, dialect) => {
    expect(dialectOf(value)).toBe(dialect);
  });
});

function announcements(): { readonly told: string[]; readonly known: Announcements } {
  const told: string[] = [];
  return { told, known: new Announcements((dialect) => told.push(dialect)) };
}

describe("what is known of a member", () => {
  test("is nothing until it is heard, and then what it said last", () => {
    const { told, known } = announcements();

    expect(known.dialect).toBeNull();
    for (const dialect of ["kv", "kv", "etcd2", "kv"] as const) known.heard(dialect);

    expect(known.dialect).toBe("kv");
    expect(told).toEqual(["kv", "etcd2", "kv"]);
  });

  test("stays when its streams end: who is down is what it was", () => {
    const { told, known } = announcements();
    const stream = {};

    known.opened(stream, "kv");
    known.closed(stream);

    expect(known.dialect).toBe("kv");
    expect(told).toEqual(["kv"]);
  });

  test("is careful as long as one open stream is silent, whatever else is heard", () => {
    const { told, known } = announcements();
    const silent = {};

    known.opened(silent, "etcd2");
    known.opened({}, "kv");
    known.heard("kv");
    expect(known.dialect).toBe("etcd2");
    known.closed(silent);

    expect(known.dialect).toBe("kv");
    expect(told).toEqual(["etcd2", "kv"]);
  });
});

describe("between members that announce themselves", () => {
  test.each(ONLY_FOR_KV)("a message of type %i travels on the message stream", async (type) => {
    await using pair = await connectedPair();
    const { a, b } = pair;

    a.transport.send([new Message(type, B, A, 4)]);

    await b.happenings.until(new RegExp(`^process ${type} from a`));
    expect(b.happenings.count(/POST/)).toBe(0);
    expect(a.transport.droppedCount(B)).toBe(0);
    expect(a.transport.dialect(B)).toBe("kv");
    expect(a.happenings.count(/^b reads/)).toBe(1);
  });
});

test("every request to a peer carries the announcement, and every answer to one", async () => {
  await using peer = await ScriptedPeer.start();
  await using a = await TestMember.start("a");
  a.transport.addPeer(B, [peer.url]);
  a.transport.send([new Message(MessageType.Vote, B, A, 2)]);
  await peer.until(/^POST/);
  await peer.until(/msgapp/);
  await peer.until(/message/);

  expect(peer.requests.map(({ headers }) => headers[ANNOUNCEMENT_HEADER])).toEqual(["1", "1", "1"]);

  const from = { "x-server-from": "b" };
  const answers = await Promise.all([
    ask(a, "POST", "/raft", { headers: from, body: encodeMessage(new Message(MessageType.Vote, A, B, 2)) }),
    ask(a, "POST", "/raft", { headers: from, body: new Uint8Array([255]) }),
    ask(a, "GET", "/raft/stream/message/c"),
    ask(a, "GET", "/raft/stream/message/b", { headers: { "x-raft-to": "c" } }),
    ask(a, "GET", "/raft/stream/message/b"),
    ask(a, "POST", "/raft/snapshot", { body: new Uint8Array(8) }),
  ]);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([204, 400, 404, 412, 200, 400]);
  expect(answers.map(({ headers }) => headers[ANNOUNCEMENT_HEADER])).toEqual(Array(6).fill("1"));
  for (const answer of answers) answer.destroy();
});

describe("to a process that has not announced itself, a pre-vote", () => {
  test.each(ONLY_FOR_KV)("or another message of type %i is not written on its stream", async (type) => {
    await using a = await TestMember.start("a");
    a.transport.addPeer(B, ["http://127.0.0.1:1"]);
    const stream = await openMessageStream(a, null);

    a.transport.send([new Message(type, B, A, 4), new Message(MessageType.Vote, B, A, 4)]);

    expect(await firstType(stream)).toBe(MessageType.Vote);
    expect(a.transport.droppedCount(B)).toBe(1);
    expect(a.happenings.count(/^unreachable b/)).toBeGreaterThan(0);
    expect(a.transport.dialect(B)).toBe("etcd2");
    stream.destroy();
  });

  test("is not posted, not even to a member that has announced itself before", async () => {
    await using peer = await ScriptedPeer.start();
    await using a = await TestMember.start("a");
    a.transport.addPeer(B, [peer.url]);
    peer.announces = true;
    await a.happenings.until(/^b reads kv/);

    a.transport.send([
      new Message(MessageType.PreVote, B, A, 4),
      new Message(MessageType.PreVoteResp, B, A, 4),
      new Message(MessageType.Vote, B, A, 5),
    ]);
    await peer.until(/^POST/);

    expect(peer.posted.map(({ type }) => type)).toEqual([MessageType.Vote]);
    expect(a.transport.droppedCount(B)).toBe(2);
  });

  test("is not posted to a member that is not a peer yet", async () => {
    await using peer = await ScriptedPeer.start();
    await using a = await TestMember.start("a");
    a.transport.addRemote(B, [peer.url]);

    a.transport.send([new Message(MessageType.PreVote, B, A, 4), new Message(MessageType.Vote, B, A, 5)]);
    await peer.until(/^POST/);

    expect(peer.posted.map(({ type }) => type)).toEqual([MessageType.Vote]);
  });

  test("is not written when it took the place of one that had, and is again when that comes back", async () => {
    await using a = await TestMember.start("a");
    a.transport.addPeer(B, ["http://127.0.0.1:1"]);

    const first = await openMessageStream(a, "1");
    a.transport.send([new Message(MessageType.PreVote, B, A, 4)]);
    expect(await firstType(first)).toBe(MessageType.PreVote);

    const second = await openMessageStream(a, null);
    a.transport.send([new Message(MessageType.PreVote, B, A, 5), new Message(MessageType.Vote, B, A, 6)]);
    expect(await firstType(second)).toBe(MessageType.Vote);
    expect(a.transport.dialect(B)).toBe("etcd2");

    const third = await openMessageStream(a, "1");
    a.transport.send([new Message(MessageType.PreVote, B, A, 7)]);
    expect(await firstType(third)).toBe(MessageType.PreVote);
    expect(a.transport.dialect(B)).toBe("kv");
    for (const stream of [first, second, third]) stream.destroy();
  });
});

describe("the receiver is told what a peer reads", () => {
  test("by a post: the sender names itself", async () => {
    await using a = await TestMember.start("a");
    a.transport.addPeer(B, ["http://127.0.0.1:1"]);
    const body = encodeMessage(new Message(MessageType.HeartbeatResp, A, B, 2));

    for (const announcement of ["1", null, "1"]) {
      await ask(a, "POST", "/raft", { headers: { "x-server-from": "b" }, body, announcement });
    }
    // What cannot be attributed to a peer says nothing.
    await ask(a, "POST", "/raft", { headers: { "x-server-from": "c" }, body });
    await ask(a, "POST", "/raft", { body });

    const told = a.happenings.list.map(({ what }) => what).filter((what) => what.includes(" reads "));
    expect(told).toEqual(["b reads kv", "b reads etcd2", "b reads kv"]);
    expect(a.transport.dialect(parseNodeId("c"))).toBeNull();
  });

  test("by the answers to our dials, also refusals, but not by those of a stranger in its place", async () => {
    await using peer = await ScriptedPeer.start();
    await using a = await TestMember.start("a");
    peer.clusterId = null;
    a.transport.addPeer(B, [peer.url]);
    await a.happenings.until(/^timer 100$/, 2);
    expect(a.transport.dialect(B)).toBeNull();

    peer.clusterId = CLUSTER;
    a.clock.advance(REDIAL_MS);
    await a.happenings.until(/^b reads etcd2/);
    peer.announces = true;
    await a.happenings.until(/^timer 100$/, 4);
    a.clock.advance(REDIAL_MS);

    await a.happenings.until(/^b reads kv/);
  });
});

interface Question {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly announcement?: string | null;
}

/** A request as member b would make it; resolves with the head of the answer. */
async function ask(
  member: TestMember,
  method: string,
  path: string,
  { headers = {}, body, announcement = null }: Question = {},
): Promise<IncomingMessage> {
  const outgoing = request(`${member.url}${path}`, {
    method,
    headers: {
      "x-etcd-cluster-id": CLUSTER,
      "x-server-version": "2.3.8",
      "x-min-cluster-version": "2.2.0",
      "x-raft-to": member.id,
      ...(announcement === null ? {} : { [ANNOUNCEMENT_HEADER]: announcement }),
      ...headers,
    },
  });
  outgoing.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
  });
  answer.on("error", () => {}); // the member, or the test, ends it
  if (method === "POST") answer.resume();
  return answer;
}

async function openMessageStream(member: TestMember, announcement: string | null): Promise<IncomingMessage> {
  return ask(member, "GET", "/raft/stream/message/b", { announcement });
}

/** The type of the first message on a message stream. */
async function firstType(stream: IncomingMessage): Promise<number> {
  const [chunk] = (await once(stream, "data")) as [Buffer];
  return decodeMessage(new Uint8Array(chunk.subarray(8, 8 + chunk.readUInt32BE(4)))).type;
}

/** Listens where member b should, refuses streams, takes posts; announces itself or not. */
class ScriptedPeer implements AsyncDisposable {
  readonly requests: { readonly line: string; readonly headers: IncomingMessage["headers"] }[] = [];
  readonly posted: Message[] = [];
  announces = false;
  clusterId: NodeId | null = CLUSTER;
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (incoming, outgoing) => {
      const body: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => body.push(chunk));
      incoming.on("end", () => {
        if (incoming.method === "POST") this.posted.push(decodeMessage(new Uint8Array(Buffer.concat(body))));
        if (this.clusterId !== null) outgoing.setHeader("x-etcd-cluster-id", this.clusterId);
        if (this.announces) outgoing.setHeader(ANNOUNCEMENT_HEADER, "1");
        outgoing.statusCode = incoming.method === "POST" ? 204 : 404;
        outgoing.end();
        this.requests.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers });
        for (const wake of this.#waiting.splice(0)) wake();
      });
    });
  }

  static async start(): Promise<ScriptedPeer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedPeer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  async until(pattern: RegExp): Promise<void> {
    while (!this.requests.some(({ line }) => pattern.test(line))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
