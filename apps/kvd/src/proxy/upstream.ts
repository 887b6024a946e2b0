// One request of a client passed on to one member, and the member's answer passed back: headers except
// those of the connection, the body as it comes. Spec: cluster.md §13.

import { Readable } from "node:stream";
import { connectionError } from "@kv/client";
import { peerConnector } from "@kv/rafthttp";
import type { PeerTlsSource } from "@kv/rafthttp";
import type { HttpHeaders, HttpRequest, HttpResponse } from "@kv/rafthttp/http";
import { Agent } from "undici";

/** Milliseconds; 0: no limit. */
export interface UpstreamTimeouts {
  readonly dialMs: number;
  /** For sending a request. */
  readonly writeMs: number;
  /** For the head of an answer, and between pieces of its body. Must be 0 where long polls are to work. */
  readonly readMs: number;
}

/** A member that gave no answer. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** Something of the request may have arrived. */
  readonly mayHaveBeenSent: boolean;

  constructor(message: string, options: { mayHaveBeenSent: boolean; cause: unknown }) {
    super(message, { cause: options.cause });
    this.mayHaveBeenSent = options.mayHaveBeenSent;
  }
}

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailers",
  "transfer-encoding",
  "upgrade",
]);
/** Made anew for the member, or answered already. */
const REQUEST_OWN = new Set(["content-length", "expect", "x-forwarded-for"]);
/** Made by the engine that answers the client. */
const RESPONSE_OWN = new Set(["content-length", "date"]);

/** A body is handed over as fast as the member takes it. */
const PIECE_SIZE_BYTES = 65_536;
/** Shorter answers of a known length are passed back with it; etcd sends longer ones in chunks. */
const LENGTH_MAX_BYTES = 2_048;
/** Below the 5 s after which other programs may close idle connections. */
const KEEP_ALIVE_MS = 3_000;

/** The connections to the members. Any number of requests at once, each on a connection of its own. */
export class Upstream {
  readonly #agent: Agent;
  readonly #writeMs: number;

  /** `tls` is shown to members and verifies them. */
  constructor(timeouts: UpstreamTimeouts, tls: PeerTlsSource | null) {
    this.#writeMs = timeouts.writeMs;
    this.#agent = new Agent({
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connect: peerConnector({ dialTimeoutMs: timeouts.dialMs, tls }),
      headersTimeout: timeouts.readMs,
      bodyTimeout: timeouts.readMs,
    });
  }

  /**
   * Sends a request with its whole `body` to `endpoint`, a URL without path.
   *
   * @throws {UpstreamError} when no answer comes, and `request.signal.reason` when the client leaves.
   */
  async send(endpoint: string, request: HttpRequest, body: Uint8Array): Promise<HttpResponse> {
    const stuck = new AbortController();
    const writing = new WriteTimer(this.#writeMs, stuck);
    try {
      const response = await this.#agent.request({
        origin: endpoint,
        path: request.query === "" ? request.rawPath : `${request.rawPath}?${request.query}`,
        method: request.method,
        headers: headersFor(request, body.length),
        body: body.length === 0 ? null : watched(body, writing),
        signal: AbortSignal.any([request.signal, stuck.signal]),
        responseHeaders: "raw",
      });
      return await answerOf(request.method, response.statusCode, pairsOf(response.headers), response.body);
    } catch (cause) {
      request.signal.throwIfAborted();
      const { message, outcomeUnknown } = connectionError(cause);
      throw new UpstreamError(message, { mayHaveBeenSent: outcomeUnknown || stuck.signal.aborted, cause });
    } finally {
      writing.stop();
    }
  }

  /** Ends all connections, also those with requests on them. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** Runs while a body is being written. */
class WriteTimer {
  readonly #limitMs: number;
  readonly #stuck: AbortController;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, stuck: AbortController) {
    this.#limitMs = limitMs;
    this.#stuck = stuck;
  }

  start(): void {
    if (this.#limitMs === 0) return;
    this.#timer = setTimeout(
      () => this.#stuck.abort(new Error(`request could not be written within ${this.#limitMs} ms`)),
      this.#limitMs,
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** The sender starts reading when it has a connection, and reads the end when the socket has taken what came before. */
function watched(body: Uint8Array, writing: WriteTimer): Readable {
  let offset = 0;
  const stream = new Readable({
    read() {
      if (offset === 0) writing.start();
      this.push(offset < body.length ? body.subarray(offset, (offset += PIECE_SIZE_BYTES)) : null);
    },
  });
  return stream.once("end", () => writing.stop());
}

function headersFor(request: HttpRequest, length: number): string[] {
  const headers: string[] = [];
  const forwarded: string[] = [];
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase();
    if (lower === "x-forwarded-for") forwarded.push(value);
    if (!HOP_BY_HOP.has(lower) && !REQUEST_OWN.has(lower)) headers.push(name, value);
  }
  // An IPv4 client of a listener for both families.
  forwarded.push(request.remote.address.replace(/^::ffff:/i, ""));
  headers.push("X-Forwarded-For", forwarded.join(", "));
  if (length > 0) headers.push("Content-Length", String(length));
  return headers;
}

type Body = AsyncIterable<Uint8Array> & { dump(): Promise<void>; bytes(): Promise<Uint8Array> };

async function answerOf(method: string, status: number, all: HttpHeaders, body: Body): Promise<HttpResponse> {
  const headers = all.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !RESPONSE_OWN.has(lower);
  });
  const announced = all.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  const length = announced === undefined ? Infinity : Number(announced);
  if (status === 204 || status === 304) {
    await body.dump();
    return { status, headers, body: null };
  }
  if (!(length <= LENGTH_MAX_BYTES)) return { status, headers, body };
  // The answer to a HEAD announces the length of a body that does not come; the engine does the same.
  return { status, headers, body: method === "HEAD" ? new Uint8Array(length) : await body.bytes() };
}

/** undici's raw headers: names and values by turns. */
function pairsOf(raw: unknown): HttpHeaders {
  if (!Array.isArray(raw)) throw new TypeError("raw headers were asked for");
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([String(raw[i]), String(raw[i + 1])]);
  return pairs;
}
