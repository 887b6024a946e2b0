// The own engine against the one on node:http: the same bytes, cut at random, into both, each with a
// handler that echoes what it understood. Both must have understood the same, except where the own
// engine is stricter on purpose; each such rule is listed, and what falls under it must be refused.
//
//   npm test: 100,000 streams. pnpm --filter @kv/server run fuzz:http: 5,000,000 (KV_FUZZ_STREAMS, KV_FUZZ_SEED).

import process from "node:process";
import { expect, test } from "vitest";
import type { HttpHandler } from "@kv/rafthttp/http";
import { cutAnywhere, randomFrom, requestStream } from "../testing/http-stream.ts";
import { exchange, openWithServer } from "./memory-connection.test.support.ts";
import { silentLogger } from "../testing/silent-logger.ts";
import type { Server } from "node:net";
import type { Engine, Listener } from "./engine.ts";
import { listenKv } from "./kv.ts";
import { listenNode } from "./node.ts";

const STREAM_COUNT = Number(process.env["KV_FUZZ_STREAMS"] ?? 100_000);
/** Always the same streams in npm test, others in every long run. */
const SEED = Number(
  process.env["KV_FUZZ_SEED"] ?? (process.env["KV_FUZZ_STREAMS"] === undefined ? 1 : Date.now()),
);
const LANES = 16;
const TIMEOUT_MS = 1_800_000;

/** A request as a handler saw it; `body` null: it never came to its end. */
interface Seen {
  readonly head: string;
  body: string | null;
}

/** What an engine made of a stream. */
interface Understood {
  readonly requests: readonly Seen[];
  /** It answered with a page of its own. */
  readonly isRefused: boolean;
}

/** What the own engine refuses although node:http, or the handler behind it, gets to see it. */
const STRICTER: readonly (readonly [rule: string, applies: RegExp])[] = [
  ["more than one blank behind the method", /[A-Z] {2,}/],
  ["a CR or LF alone in front of a request", /^\r(?!\n)|^\n|\r\n\r(?!\n)|[^\r]\n|\r\n\n/],
  ["no version, as in HTTP/0.9", /[A-Z] [^ \r\n]+\r\n/],
  [
    "a target without a path, or with a bad escape in it",
    / (?:(?!\/|https?:\/\/[^/ ]*\/)[^ ]*|[^ ]*%[^ ]*) HTTP/i,
  ],
  ["more than one Host, or none", /\r\nhost:[^]*\r\nhost:|HTTP\/1\.1\r\n(?!Host: h\r\n)/i],
  ["a coding that is not chunked alone, with blanks around it", /\r\ntransfer-encoding:(?! *chunked *\r\n)/i],
  ["chunks with 1.0", /HTTP\/1\.0\r\n(?:[^\r\n]+\r\n)*transfer-encoding:/i],
  [
    "a last chunk that is not followed by the end or a whole trailer",
    /\r\n0+(?:;[^\r\n]*)?\r\n(?!\r\n|T: t\r\n\r\n)/,
  ],
  ["an extension of a chunk without a name", /\r\n[0-9a-f]+(?:;[^;\r\n]*)*;[=;\r]/i],
  ["a chunk size of more than eight digits", /\r\n[0-9a-f]{9,}/i],
];

/** Where the own engine ends a connection without a word, and node:http goes on. */
const ENDED: readonly (readonly [rule: string, applies: RegExp])[] = [
  [
    "of close and keep-alive, close counts with 1.0 too",
    /HTTP\/1\.0\r\n(?=(?:[^\r\n]+\r\n)*connection:[^\r\n]*close)(?=(?:[^\r\n]+\r\n)*connection:[^\r\n]*keep-alive)/i,
  ],
];

/** Heads that node:http refuses although etcd and the own engine do not: unknown methods, and bytes above ASCII in the target. */
const NODE_REFUSES =
  /^\["(?!(?:GET|PUT|POST|DELETE|HEAD|OPTIONS|PATCH)")|^\["[^"]+","[^"]*[\x80-\xff]|^\["[^"]+","[^"]*","[^"]*[\x80-\xff]/;

test(
  `both engines understand the same (seed ${SEED}, ${STREAM_COUNT} streams)`,
  { timeout: TIMEOUT_MS },
  async () => {
    const random = randomFrom(SEED);
    const differences: unknown[] = [];
    let leftCount = STREAM_COUNT;
    let understoodCount = 0;
    const lane = async (kv: Subject, node: Subject): Promise<void> => {
      while (leftCount-- > 0) {
        const stream = requestStream(random);
        const portions = cutAnywhere(random, stream);
        const [own, other] = await Promise.all([kv.understand(portions), node.understand(portions)]);
        understoodCount += own.requests.length;
        if (!isExplained(stream, own, other)) differences.push(JSON.stringify({ portions, own, other }));
      }
    };

    await using subjects = new AsyncDisposableStack();
    const lanes: Promise<void>[] = [];
    for (let n = 0; n < LANES; n++) {
      const kv = subjects.use(await Subject.open(listenKv));
      const node = subjects.use(await Subject.open(listenNode));
      lanes.push(lane(kv, node));
    }
    await Promise.all(lanes);

    expect(differences.slice(0, 3), `${differences.length} differences`).toEqual([]);
    expect(understoodCount).toBeGreaterThan(STREAM_COUNT / 2);
  },
);

function isExplained(stream: string, own: Understood, other: Understood): boolean {
  for (const [at, { head, body }] of own.requests.entries()) {
    const others = other.requests[at];
    if (others === undefined) return NODE_REFUSES.test(head);
    const isSameBody = others.body === null || body === null || body === others.body;
    if (head !== others.head || !isSameBody) return false;
  }
  const missed = other.requests.slice(own.requests.length).filter(({ body }) => body !== null);
  if (missed.length === 0) return true;
  return (own.isRefused ? STRICTER : ENDED).some(([, applies]) => applies.test(stream));
}

/** One engine, one stream at a time. */
class Subject implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #server: Server;
  readonly #seen: Seen[];

  private constructor(listener: Listener, server: Server, seen: Seen[]) {
    this.#listener = listener;
    this.#server = server;
    this.#seen = seen;
  }

  static async open(listen: Engine): Promise<Subject> {
    const seen: Seen[] = [];
    const options = { host: "127.0.0.1", port: 0, tls: null, logger: silentLogger };
    const { listener, server } = await openWithServer(listen, recordIn(seen), options);
    return new Subject(listener, server, seen);
  }

  /** Sends the portions, each in a turn of its own, then that there is no more, and waits for the end. */
  async understand(portions: readonly string[]): Promise<Understood> {
    this.#seen.length = 0;
    const answer = await exchange(this.#server, portions);
    return { requests: this.#seen.map((seen) => ({ ...seen })), isRefused: /HTTP\/1\.1 [45]/.test(answer) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#listener.close();
  }
}

function recordIn(all: Seen[]): HttpHandler {
  return async (request) => {
    const { method, rawPath, query, headers } = request;
    const seen: Seen = { head: JSON.stringify([method, rawPath, query, headers]), body: null };
    all.push(seen);
    seen.body = Buffer.from(await request.body(1_000_000)).toString("latin1");
    return { status: 200, headers: [], body: null };
  };
}
