// A member of a cluster that a test plays by hand: it dials two streams at kvd and serves two, says
// what it is told to, byte by byte, and remembers what it hears. Spec: peer-protocol.md §5, §6.

import { once } from "node:events";
import { createServer, get } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { until } from "./until.ts";
import { decodeWireMessage, encodeWireMessage, WireType } from "./wire-message.ts";
import type { WireFields, WireMessage } from "./wire-message.ts";

/** The streams between two members. */
export type StreamKind = "msgapp" | "message";

/** Something kvd has said: a message, or entries behind those before on the append stream. */
export type Heard =
  | ({ readonly kind: "message"; readonly by: "post" | StreamKind } & WireMessage)
  | { readonly kind: "entries"; readonly count: number; readonly commit: bigint };

/** Who is played, and who is listened to. */
export interface StandInOptions {
  readonly id: string;
  readonly url: string;
  readonly peerId: string;
  readonly peerUrl: string;
  /** Of its requests, as it sent them when it was recorded. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its answers to plain requests, by path. */
  readonly answers: Readonly<Record<string, string>>;
}

const REDIAL_MS = 100;
const HEARTBEAT_MS = 100;

/** One such member. Listens from `listen` on, dials from `dial` on, until it is disposed of. */
export class StandInPeer implements AsyncDisposable {
  readonly heard: Heard[] = [];
  /** With which headers kvd has dialled the append stream. */
  readonly dials: IncomingMessage["headers"][] = [];
  readonly #options: StandInOptions;
  readonly #server: Server;
  readonly #streams = new Map<StreamKind, ServerResponse>();
  readonly #dialled = new Set<IncomingMessage>();
  #heartbeat: Uint8Array | null = null;
  #isFollowing = false;
  #isClosed = false;
  /** Term and last index of what it has as a follower. */
  #term = 0n;
  #index = 0n;

  private constructor(options: StandInOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async listen(options: StandInOptions): Promise<StandInPeer> {
    const server = createServer();
    const standIn = new StandInPeer(options, server);
    const { hostname, port } = new URL(options.url);
    server.listen(Number(port), hostname);
    await once(server, "listening");
    return standIn;
  }

  /** Dials both streams, again and again. */
  dial(): void {
    void this.#dial("msgapp");
    void this.#dial("message");
  }

  /** Writes on a stream that kvd has dialled, when it has. */
  async write(kind: StreamKind, bytes: Uint8Array): Promise<void> {
    const stream = await until(`a ${kind} stream`, () => this.#streams.get(kind) ?? null);
    stream.write(bytes);
  }

  /** Resolves when kvd has dialled the append stream `count` times. */
  async appendStreams(count: number): Promise<void> {
    await until(`append stream ${count}`, () => (this.dials.length >= count ? true : null));
  }

  /** Posts a message; the status of the answer. */
  async post(message: Uint8Array): Promise<number> {
    const { peerUrl, headers } = this.#options;
    const { "Content-Length": _, Host: __, ...sent } = headers;
    const response = await fetch(`${peerUrl}/raft`, {
      method: "POST",
      headers: { ...sent, "Content-Type": "application/protobuf" },
      body: Uint8Array.from(message),
    });
    await response.text();
    return response.status;
  }

  /** Posts a message of its own to kvd. */
  say(fields: WireFields): Promise<number> {
    const { id, peerId } = this.#options;
    return this.post(encodeWireMessage({ from: BigInt(`0x${id}`), to: BigInt(`0x${peerId}`), ...fields }));
  }

  /** Repeats a frame on the message stream, so that nobody stands for election; null: no more. */
  repeat(heartbeat: Uint8Array | null): void {
    const isRunning = this.#heartbeat !== null;
    this.#heartbeat = heartbeat;
    if (!isRunning) void this.#beat();
  }

  /** From now on acknowledges every append; it has all through `index`. */
  follow(term: bigint, index: bigint): void {
    this.#isFollowing = true;
    this.#term = term;
    this.#index = index;
  }

  /** Waits for something that kvd says, or has said. */
  hear<T extends Heard>(what: string, matches: (heard: Heard) => heard is T): Promise<T>;
  hear(what: string, matches: (heard: Heard) => boolean): Promise<Heard>;
  async hear(what: string, matches: (heard: Heard) => boolean): Promise<Heard> {
    try {
      return await until(what, () => this.heard.find(matches) ?? null);
    } catch (cause) {
      throw new Error(`${what} was not heard, but ${inspect(this.heard)}`, { cause });
    }
  }

  /** Waits for a message whose bytes are these. */
  hearBytes(what: string, raw: string): Promise<Heard> {
    return this.hear(what, (heard) => heard.kind === "message" && heard.raw === raw);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#heartbeat = null;
    for (const stream of this.#dialled) stream.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const { headers, answers, peerId } = this.#options;
    response.setHeader("X-Etcd-Cluster-Id", headers["X-Etcd-Cluster-Id"] ?? "");
    response.setHeader("X-Server-Version", "2.3.8");
    const kind = /^\/raft\/stream\/(msgapp|message)\/([0-9a-f]+)$/.exec(path);
    if (kind !== null && kind[2] === peerId) {
      response.flushHeaders();
      const stream = kind[1] === "msgapp" ? "msgapp" : "message";
      this.#streams.set(stream, response);
      if (stream === "msgapp") this.dials.push(request.headers);
      response.on("close", () => {
        if (this.#streams.get(stream) === response) this.#streams.delete(stream);
      });
      return;
    }
    if (path === "/raft") {
      const body = await buffer(request);
      response.writeHead(204).end();
      this.#remember("post", body);
      return;
    }
    const answer = answers[path];
    if (answer === undefined) response.writeHead(404);
    response.end(answer);
  }

  async #dial(kind: StreamKind): Promise<void> {
    const { id, peerUrl, headers } = this.#options;
    while (!this.#isClosed) {
      try {
        const url = `${peerUrl}/raft/stream/${kind}/${id}`;
        const { "Content-Length": _, Host: __, ...sent } = headers;
        const [response] = (await once(
          get(url, { headers: { ...sent, "X-Raft-To": this.#options.peerId }, agent: false }),
          "response",
        )) as [IncomingMessage];
        this.#dialled.add(response);
        if (response.statusCode === 200) await this.#read(kind, response);
        response.destroy();
        this.#dialled.delete(response);
      } catch {
        // kvd does not listen yet, or has closed the stream: dialled again
      }
      await delay(REDIAL_MS);
    }
  }

  async #read(kind: StreamKind, stream: AsyncIterable<Buffer>): Promise<void> {
    let rest = Buffer.alloc(0);
    for await (const chunk of stream) {
      rest = Buffer.concat([rest, chunk]);
      for (let size = this.#take(kind, rest); size > 0; size = this.#take(kind, rest)) {
        rest = rest.subarray(size);
      }
    }
  }

  /** Takes the first frame of `bytes`; its size, 0 while it is not complete. */
  #take(kind: StreamKind, bytes: Buffer): number {
    const start = kind === "message" ? 0 : 1;
    if (bytes.length === 0) return 0;
    if (start === 1 && bytes[0] === 0) return 1; // link heartbeat
    if (bytes.length < start + 8) return 0;
    const count = Number(bytes.readBigUInt64BE(start));
    if (start === 1 && bytes[0] === 1) return this.#takeEntries(bytes, count);
    const end = start + 8 + count;
    if (bytes.length < end) return 0;
    this.#remember(kind, bytes.subarray(start + 8, end));
    return end;
  }

  #takeEntries(bytes: Buffer, count: number): number {
    let at = 9;
    for (let i = 0; i < count; i++) {
      if (bytes.length < at + 8) return 0;
      at += 8 + Number(bytes.readBigUInt64BE(at));
    }
    if (bytes.length < at + 8) return 0;
    this.heard.push({ kind: "entries", count, commit: bytes.readBigUInt64BE(at) });
    this.#index += BigInt(count);
    if (this.#isFollowing) void this.#acknowledge();
    return at + 8;
  }

  #remember(by: "post" | StreamKind, bytes: Uint8Array): void {
    const message = decodeWireMessage(bytes);
    if (message.from === 0n && message.type === WireType.Heartbeat) return; // link heartbeat
    this.heard.push({ kind: "message", by, ...message });
    if (!this.#isFollowing || message.type !== WireType.App) return;
    this.#index = message.index + BigInt(message.entryCount);
    void this.#acknowledge();
  }

  async #acknowledge(): Promise<void> {
    try {
      await this.say({ type: WireType.AppResp, term: this.#term, index: this.#index });
    } catch {
      // kvd has gone: an answer that is lost, as on any network
    }
  }

  async #beat(): Promise<void> {
    while (this.#heartbeat !== null) {
      this.#streams.get("message")?.write(this.#heartbeat);
      await delay(HEARTBEAT_MS);
    }
  }
}
