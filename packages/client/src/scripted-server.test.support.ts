// For the tests: an HTTP server that plays a script, and a clock that stands still.

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "./clock.ts";

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly authorization: string | null;
  readonly contentType: string | null;
  readonly body: string;
}

/** Answers one request. */
export type Step = (response: ServerResponse, request: SeenRequest) => void;

/** A server on a port of its own that answers the n-th request with the n-th step; then with the last one. */
export class ScriptedServer implements AsyncDisposable {
  readonly url: string;
  readonly seen: SeenRequest[] = [];
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string")
      throw new Error("the server does not listen on a port");
    this.url = `http://127.0.0.1:${address.port}`;
  }

  static async start(...steps: readonly Step[]): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const scripted = new ScriptedServer(server);
    server.on("request", (request, response) => {
      void readRequest(request).then((seen) => {
        const step = steps[Math.min(scripted.seen.length, steps.length - 1)];
        scripted.seen.push(seen);
        step?.(response, seen);
      });
    });
    return scripted;
  }

  /** Method, path and query of each request so far. */
  get lines(): string[] {
    return this.seen.map((request) => `${request.method} ${request.url}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Answers a JSON value, by default with status 200 and store index 7. */
export function json(value: unknown, status = 200, index: number | null = 7): Step {
  return (response) => {
    const headers = index === null ? {} : { "x-etcd-index": String(index) };
    response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(`${JSON.stringify(value)}\n`);
  };
}

/** Answers any text. */
export function text(body: string, status = 200): Step {
  return (response) => void response.writeHead(status, { "content-type": "text/plain" }).end(body);
}

/** Cuts the connection without an answer. */
export const cut: Step = (response) => void response.destroy();

/** Answers the head of a watch at this store index, then cuts the connection. */
export function cutAfterHead(index: number): Step {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "x-etcd-index": String(index) });
    response.flushHeaders();
    setImmediate(() => response.destroy());
  };
}

/** Never answers. */
export const silence: Step = () => undefined;

/** A URL that refuses connections. */
export async function deadEndpoint(): Promise<string> {
  const server = await ScriptedServer.start();
  await server[Symbol.asyncDispose]();
  return server.url;
}

/** An event answer: action `set` at this index. */
export function setEvent(key: string, value: string, index: number): unknown {
  return { action: "set", node: { key, value, modifiedIndex: index, createdIndex: index } };
}

/** A clock whose timers go off when the test says so; the delays asked for are kept. */
export class ManualClock implements Clock {
  readonly delays: number[] = [];
  readonly #pending = new Set<() => void>();
  readonly #waiters: (() => void)[] = [];

  after(delayMs: number, callback: () => void): () => void {
    this.delays.push(delayMs);
    this.#pending.add(callback);
    return () => {
      this.#pending.delete(callback);
      if (this.#pending.size === 0) for (const waiter of this.#waiters.splice(0)) waiter();
    };
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Sets off all timers. */
  fire(): void {
    const due = [...this.#pending];
    this.#pending.clear();
    for (const callback of due) callback();
  }

  /** Resolves when no timer is left. */
  async noTimer(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => void this.#waiters.push(resolve));
  }
}

/** A clock whose timers go off in the next turn, for back-offs; what takes a `limitMs` or longer never does. */
export function hastyClock(limitMs: number): Clock & { readonly delays: number[] } {
  const delays: number[] = [];
  return {
    delays,
    after(delayMs, callback) {
      if (delayMs >= limitMs) return () => undefined;
      delays.push(delayMs);
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return {
    method: request.method ?? "",
    url: request.url ?? "",
    authorization: request.headers.authorization ?? null,
    contentType: request.headers["content-type"] ?? null,
    body,
  };
}
