// The requests that go to a discovery service: the v2 keys API below the path of a token, which may
// be any path, with queries in the order in which etcd sends them. Spec: cluster.md §7.

import { connectionError } from "@kv/client";
import { Agent, ProxyAgent, request } from "undici";
import type { Dispatcher } from "undici";
import { z } from "zod";
import { KvdError } from "./errors.ts";
import { dialErrorText } from "./system-error.ts";

/** A key as the service answers it. */
export interface DiscoveryNode {
  readonly key: string;
  /** "" for directories and for keys that are gone. */
  readonly value: string;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  /** Children, in no order. */
  readonly nodes: readonly DiscoveryNode[];
}

/** What became of a request. Only `unreachable` may be another time different. */
export type DiscoveryAnswer =
  | { readonly kind: "event"; readonly node: DiscoveryNode; readonly etcdIndex: number }
  | {
      readonly kind: "error";
      readonly errorCode: number;
      readonly message: string;
      readonly cause: string;
      readonly index: number;
    }
  /** An answer that is none of the v2 API. */
  | { readonly kind: "garbage" }
  /** No answer, or the server has no leader. */
  | { readonly kind: "unreachable"; readonly reason: string };

const REQUEST_TIMEOUT_MS = 5_000;
const ANSWER_LIMIT_BYTES = 1_048_576;

const node: z.ZodType<DiscoveryNode> = z.object({
  key: z.string(),
  value: z.string().default(""),
  createdIndex: z.number(),
  modifiedIndex: z.number(),
  get nodes() {
    return z.array(node).default([]);
  },
});
const eventAnswer = z.object({ node });
const errorAnswer = z.object({
  errorCode: z.number(),
  message: z.string(),
  cause: z.string().default(""),
  index: z.number().default(0),
});

/** The service behind one token. One request at a time. */
export class DiscoveryService {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly #path: string;
  readonly #dispatcher: Dispatcher;

  /**
   * `url` is the token's; `proxy` is null or an HTTP proxy, whose `http://` may be left out.
   *
   * @throws {KvdError} `E_DISCOVERY` when one of them is no such URL.
   */
  constructor(url: string, proxy: string | null) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.host === "") {
      throw new KvdError("E_DISCOVERY", `invalid discovery URL ${JSON.stringify(url)}`);
    }
    this.origin = parsed.origin;
    this.#path = parsed.pathname.replace(/\/+$/, "");
    this.#dispatcher = dispatcherFor(proxy);
  }

  /** Reads a key below the token; "" is the token itself. */
  get(key: string): Promise<DiscoveryAnswer> {
    return this.#send("GET", `${key}?quorum=false&recursive=false&sorted=false`, { isWait: false });
  }

  /** Creates a key, which must not be there. */
  create(key: string, value: string): Promise<DiscoveryAnswer> {
    const body = new URLSearchParams({ value }).toString();
    return this.#send("PUT", `${key}?prevExist=false`, { isWait: false, body });
  }

  /** Waits for a change of a key at `waitIndex` or later, however long that takes. */
  async wait(
    key: string,
    { recursive, waitIndex }: { readonly recursive: boolean; readonly waitIndex: number },
  ): Promise<DiscoveryAnswer> {
    for (;;) {
      const target = `${key}?recursive=${recursive}&wait=true&waitIndex=${waitIndex}`;
      const answer = await this.#send("GET", target, { isWait: true });
      if (answer !== "empty") return answer;
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  #send(
    method: "GET" | "PUT",
    target: string,
    options: { isWait: false; body?: string },
  ): Promise<DiscoveryAnswer>;
  #send(method: "GET", target: string, options: { isWait: true }): Promise<DiscoveryAnswer | "empty">;
  async #send(
    method: "GET" | "PUT",
    target: string,
    options: { readonly isWait: boolean; readonly body?: string },
  ): Promise<DiscoveryAnswer | "empty"> {
    const { isWait, body = null } = options;
    try {
      const response = await request(`${this.origin}${this.#path}${target}`, {
        dispatcher: this.#dispatcher,
        method,
        body,
        headers: body === null ? {} : { "content-type": "application/x-www-form-urlencoded" },
        headersTimeout: isWait ? 0 : REQUEST_TIMEOUT_MS,
        bodyTimeout: 0,
        signal: isWait ? null : AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await textOf(response.body);
      // A wait may end without an event: the server's time for it was over.
      if (isWait && response.statusCode === 200 && text.trim() === "") return "empty";
      return answerOf(response.statusCode, response.headers["x-etcd-index"], text);
    } catch (error) {
      if (error instanceof KvdError) throw error;
      return { kind: "unreachable", reason: dialErrorText(error) ?? connectionError(error).message };
    }
  }
}

function answerOf(status: number, index: string | string[] | undefined, text: string): DiscoveryAnswer {
  if (status >= 500) return { kind: "unreachable", reason: `server answered status ${status}` };
  const json = parseJson(text);
  if (status < 300) {
    const event = eventAnswer.safeParse(json);
    if (!event.success) return { kind: "garbage" };
    return { kind: "event", node: event.data.node, etcdIndex: Number(index ?? 0) };
  }
  const error = errorAnswer.safeParse(json);
  return error.success ? { kind: "error", ...error.data } : { kind: "garbage" };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // no JSON is no answer of the v2 API; the schema says so
  }
}

/** @throws {KvdError} `E_DISCOVERY` when the answer is longer than any list of members. */
async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_LIMIT_BYTES)
      throw new KvdError("E_DISCOVERY", "discovery: bad discovery endpoint");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes).toString("utf8");
}

function dispatcherFor(proxy: string | null): Dispatcher {
  const connect = { timeout: REQUEST_TIMEOUT_MS };
  if (proxy === null) return new Agent({ connect });
  const uri = URL.parse(/^https?:/i.test(proxy) ? proxy : `http://${proxy}`);
  if (uri === null) {
    throw new KvdError("E_DISCOVERY", `invalid proxy address ${JSON.stringify(proxy)}: no URL`);
  }
  return new ProxyAgent({ uri: uri.href, connect, proxyTls: connect });
}
