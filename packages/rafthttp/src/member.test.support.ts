// Members for the tests of this package: a clock that is turned by hand, a record of everything that
// happens, and a minimal engine on node:http.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Message, NodeId } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import type { PeerDialect } from "./announcement.ts";
import type { Clock } from "./clock.ts";
import { HttpBodyError, type HttpHandler, type HttpRequest } from "./http.ts";
import type { Logger } from "./log.ts";
import type { RaftReceiver } from "./receiver.ts";
import type { PeerStats } from "./stats.ts";
import { HttpTransport, type HttpTransportOptions } from "./transport.ts";

export const CLUSTER: NodeId = parseNodeId("c1");

/** Time that passes only in `advance`. */
export class ManualClock implements Clock {
  #now = 1000;
  readonly #happenings: Happenings;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  constructor(happenings: Happenings) {
    this.#happenings = happenings;
  }

  now(): number {
    return this.#now;
  }

  unixMs(): number {
    return 1_800_000_000_000 + this.#now;
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    this.#happenings.add(`timer ${delayMs}`);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}

/** Something that happened, as a line of text; messages beside it. */
export interface Happening {
  readonly what: string;
  readonly message: Message | null;
}

/** Everything that happened to a member, in order, and a way to wait for more. */
export class Happenings {
  readonly list: Happening[] = [];
  #waiting: (() => void)[] = [];

  add(what: string, message: Message | null = null): void {
    this.list.push({ what, message });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  count(pattern: RegExp): number {
    return this.list.filter(({ what }) => pattern.test(what)).length;
  }

  /** Resolves when `pattern` has been seen `times` times since the beginning. */
  async until(pattern: RegExp, times: number = 1): Promise<Happening> {
    for (;;) {
      const found = this.list.filter(({ what }) => pattern.test(what))[times - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** A receiver that writes down what it is told. */
export class RecordingReceiver implements RaftReceiver, PeerStats {
  readonly removed: Set<NodeId> = new Set();
  readonly #happenings: Happenings;

  constructor(happenings: Happenings) {
    this.#happenings = happenings;
  }

  process(message: Message): void {
    this.#happenings.add(`process ${message.type} from ${message.from}`, message);
  }

  isRemoved(id: NodeId): boolean {
    return this.removed.has(id);
  }

  reportUnreachable(id: NodeId): void {
    this.#happenings.add(`unreachable ${id}`);
  }

  reportSnapshot(id: NodeId, delivered: boolean): void {
    this.#happenings.add(`snapshot ${id} ${delivered ? "delivered" : "lost"}`);
  }

  peerDialect(id: NodeId, dialect: PeerDialect): void {
    this.#happenings.add(`${id} reads ${dialect}`);
  }

  removedByCluster(): void {
    this.#happenings.add("removed by cluster");
  }

  sentAppend(to: NodeId, sizeBytes: number): void {
    this.#happenings.add(`sent append ${to} ${sizeBytes}`);
  }

  receivedAppend(from: NodeId, sizeBytes: number): void {
    this.#happenings.add(`received append ${from} ${sizeBytes}`);
  }

  followerSucceeded(id: NodeId, latencyMs: number): void {
    this.#happenings.add(`succeeded ${id} ${latencyMs}`);
  }

  followerFailed(id: NodeId): void {
    this.#happenings.add(`failed ${id}`);
  }
}

/** A logger that writes into the same record. */
export function recordingLogger(happenings: Happenings): Logger {
  const at =
    (level: string) =>
    (message: string, fields: object = {}): void =>
      happenings.add(`${level} ${message} ${JSON.stringify(fields)}`);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A whole member but for its raft: transport, listener, clock, record. */
export class TestMember {
  readonly id: NodeId;
  readonly happenings: Happenings = new Happenings();
  readonly clock: ManualClock = new ManualClock(this.happenings);
  readonly receiver: RecordingReceiver = new RecordingReceiver(this.happenings);
  readonly server: Server;
  readonly transport: HttpTransport;

  private constructor(server: Server, options: HttpTransportOptions) {
    this.id = options.id;
    this.server = server;
    this.transport = new HttpTransport(options, {
      receiver: this.receiver,
      stats: this.receiver,
      clock: this.clock,
      logger: recordingLogger(this.happenings),
    });
    serve(server, this.transport.handler, this.happenings);
  }

  /** Listens on `port`, or on one that the system chooses. */
  static async start(
    id: string,
    port: number = 0,
    options: Partial<HttpTransportOptions> = {},
  ): Promise<TestMember> {
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new TestMember(server, {
      id: parseNodeId(id),
      clusterId: CLUSTER,
      peerUrls: [urlOf(server)],
      version: "2.3.8",
      minClusterVersion: "2.2.0",
      ...options,
    });
  }

  get url(): string {
    return urlOf(this.server);
  }

  get port(): number {
    return portOf(this.server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    this.server.closeAllConnections();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, "close");
  }
}

/** Two members that know each other, with all four streams up. */
export async function connectedPair(): Promise<
  AsyncDisposable & { readonly a: TestMember; readonly b: TestMember }
> {
  const a = await TestMember.start("a");
  const b = await TestMember.start("b");
  a.transport.addPeer(b.id, [b.url]);
  b.transport.addPeer(a.id, [a.url]);
  await a.happenings.until(/^200 GET \/raft\/stream\/msgapp\/b/);
  await a.happenings.until(/^200 GET \/raft\/stream\/message\/b/);
  await b.happenings.until(/^200 GET \/raft\/stream\/msgapp\/a/);
  await b.happenings.until(/^200 GET \/raft\/stream\/message\/a/);
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

/** Where a server listens. */
export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on a port");
  return address.port;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${portOf(server)}`;
}

/** The least that an engine does. Records `<status> <method> <path>` of each answer. */
export function serve(server: Server | HttpsServer, handler: HttpHandler, happenings: Happenings): void {
  server.on("request", (incoming, outgoing) => {
    void answer(handler, incoming, outgoing, happenings).catch((error: unknown) => {
      happenings.add(`cut ${incoming.method} ${incoming.url} ${String(error)}`);
      outgoing.destroy();
    });
  });
}

async function answer(
  handler: HttpHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  happenings: Happenings,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => gone.abort());
  const request: HttpRequest = {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    rawPath: incoming.url ?? "",
    query: "",
    header: (name) => incoming.headers[name]?.toString(),
    headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    body: (limit) => readBody(incoming, limit),
    latin1: async (limit) => Buffer.from(await readBody(incoming, limit)).toString("latin1"),
    chunks: incoming,
    remote: { address: incoming.socket.remoteAddress ?? "" },
    signal: gone.signal,
  };
  const response = await handler(request);
  outgoing.writeHead(
    response.status,
    response.headers.map(([name, value]): [string, string] => [name, value]).flat(),
  );
  happenings.add(`${response.status} ${request.method} ${request.path}`);
  const { body } = response;
  if (body === null || typeof body === "string" || body instanceof Uint8Array) {
    outgoing.end(body ?? undefined);
    return;
  }
  outgoing.flushHeaders();
  for await (const chunk of body) {
    if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), once(outgoing, "close")]);
  }
  outgoing.end();
}

async function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming) {
      if (!(chunk instanceof Uint8Array)) throw new Error("requests are read as bytes");
      size += chunk.length;
      if (size > limit) throw new HttpBodyError("too_large", "the body is too large");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpBodyError) throw error;
    throw new HttpBodyError("aborted", "the client went away");
  }
  return Buffer.concat(chunks);
}
