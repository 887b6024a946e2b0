// For the tests: time that moves when nothing else does, a server in memory that does what client-api.md §3
// says, and a network between both that loses requests, answers and connections by a seed.

import { Client } from "./client.ts";
import type { Clock } from "./clock.ts";
import { ClientError } from "./errors.ts";
import type { Transport, TransportRequest, TransportResponse } from "./transport.ts";

const EXPIRE_EVERY_MS = 500;

/** Timers in virtual time; the next one goes off when all work at hand is done. */
export class SimulatedTime implements Clock {
  nowMs: number = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  delay(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** Lets time pass until the work is done; fails when it takes longer than `limitMs` of virtual time. */
  async run<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let isDone = false;
    const done = work.finally(() => (isDone = true));
    done.catch(() => undefined); // It is awaited below.
    for (;;) {
      await new Promise((resolve) => void setImmediate(resolve));
      if (isDone) return done;
      const [next] = [...this.#timers].toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined) throw new Error("everybody waits for somebody else");
      if (next.atMs > limitMs) throw new Error(`not done after ${limitMs} ms of virtual time`);
      this.#timers.delete(next);
      this.nowMs = next.atMs;
      next.callback();
    }
  }
}

/** Numbers in [0, 1) that a seed determines (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a key holds. */
export interface File {
  readonly value: string;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  /** In virtual time; Infinity without a TTL. */
  readonly expiresAtMs: number;
}

/** A node as the server writes it. */
export interface WireNode {
  readonly key: string;
  readonly value?: string;
  readonly dir?: true;
  readonly nodes?: readonly WireNode[];
  readonly createdIndex: number;
  readonly modifiedIndex: number;
}

/** What happened to a key. */
export interface WireEvent {
  readonly action: string;
  readonly node: WireNode;
  readonly isRefresh: boolean;
}

/** An answer as it goes over the wire; a watch has a head at once and its body later. */
export interface WireAnswer {
  readonly status: number;
  readonly index: number;
  readonly body: Promise<string>;
}

/** One server with files, TTLs, comparisons, in-order keys and a short history. */
export class SimulatedServer {
  readonly files: Map<string, File> = new Map();
  /** Everything that ever happened; watches see the last `historyLimit` of it. */
  readonly log: WireEvent[] = [];
  index: number = 0;
  readonly #time: SimulatedTime;
  readonly #historyLimit: number;
  readonly #watchers = new Set<(event: WireEvent) => void>();

  constructor(time: SimulatedTime, historyLimit: number) {
    this.#time = time;
    this.#historyLimit = historyLimit;
    const expire = (): void => {
      this.#expire();
      time.after(EXPIRE_EVERY_MS, expire);
    };
    expire();
  }

  /** Writes a file without a client. */
  put(key: string, value: string): void {
    const { signal } = new AbortController();
    const path = `/v2/keys${key}`;
    this.answer({ method: "PUT", endpoint: "", path, headers: {}, body: `value=${value}`, signal });
  }

  /** Carries a request out at once. */
  answer(request: TransportRequest): WireAnswer {
    const url = new URL(request.path, "http://server");
    const key = decodeURIComponent(url.pathname.slice("/v2/keys".length));
    const query = url.searchParams;
    if (request.method === "GET") {
      return query.get("wait") === "true" ? this.#watch(key, query) : this.#get(key);
    }
    const form = new URLSearchParams(request.body ?? "");
    return this.#write(request.method, key, (name) => query.get(name) ?? form.get(name));
  }

  /** Removes a file without a request. */
  remove(key: string, action = "delete"): void {
    const file = this.files.get(key);
    if (file === undefined) return;
    this.index++;
    this.files.delete(key);
    const node = { key, createdIndex: file.createdIndex, modifiedIndex: this.index };
    this.#record({ action, node, isRefresh: false });
  }

  #get(key: string): WireAnswer {
    const file = this.files.get(key);
    if (file !== undefined) return this.#ok({ action: "get", node: wireNode(key, file) });
    const node = this.#directory(key);
    return node === null ? this.#refuse(404, 100, key) : this.#ok({ action: "get", node });
  }

  #directory(key: string): WireNode | null {
    const names = new Set(
      [...this.files.keys()]
        .filter((file) => file.startsWith(`${key}/`))
        .map((file) => file.slice(key.length + 1).split("/", 1)[0] ?? ""),
    );
    if (names.size === 0) return null;
    const nodes = [...names].map((name) => {
      const file = this.files.get(`${key}/${name}`);
      const directory = this.#directory(`${key}/${name}`);
      return file === undefined && directory !== null ? directory : wireNode(`${key}/${name}`, file);
    });
    return { key, dir: true, nodes, createdIndex: 1, modifiedIndex: 1 };
  }

  #write(method: string, path: string, parameter: (name: string) => string | null): WireAnswer {
    const key = method === "POST" ? `${path}/${String(this.index + 1).padStart(20, "0")}` : path;
    const file = this.files.get(key);
    const prevValue = parameter("prevValue");
    const prevIndex = parameter("prevIndex");
    const prevExist = parameter("prevExist");
    const isCompare = prevValue !== null || prevIndex !== null;
    if (file === undefined && (isCompare || prevExist === "true" || method === "DELETE")) {
      return this.#refuse(404, 100, key);
    }
    if (file !== undefined && prevExist === "false") return this.#refuse(412, 105, key);
    const isDifferent =
      (prevValue !== null && prevValue !== file?.value) ||
      (prevIndex !== null && Number(prevIndex) !== file?.modifiedIndex);
    if (isDifferent) return this.#refuse(412, 101, key);

    if (method === "DELETE") {
      this.remove(key, isCompare ? "compareAndDelete" : "delete");
      return this.#ok({ action: "delete", node: wireNode(key, undefined) });
    }
    this.index++;
    const isRefresh = parameter("refresh") === "true";
    const ttl = parameter("ttl");
    const keepsCreation = isCompare || prevExist === "true";
    const written = {
      value: isRefresh ? (file?.value ?? "") : (parameter("value") ?? ""),
      createdIndex: keepsCreation && file !== undefined ? file.createdIndex : this.index,
      modifiedIndex: this.index,
      expiresAtMs: ttl === null ? Infinity : this.#time.nowMs + Number(ttl) * 1_000,
    };
    this.files.set(key, written);
    const event = { action: "set", node: wireNode(key, written), isRefresh };
    this.#record(event);
    return this.#ok(event);
  }

  #watch(key: string, query: URLSearchParams): WireAnswer {
    const from = Number(query.get("waitIndex") ?? this.index + 1);
    const history = this.log.slice(-this.#historyLimit);
    const oldest = history[0]?.node.modifiedIndex ?? 0;
    if (from < oldest) return this.#refuse(400, 401, `[${oldest}/${from}]`);
    const isRecursive = query.get("recursive") === "true";
    const matches = ({ node, isRefresh }: WireEvent): boolean =>
      !isRefresh && (node.key === key || (isRecursive && node.key.startsWith(`${key}/`)));
    const past = history.find((event) => event.node.modifiedIndex >= from && matches(event));
    if (past !== undefined) return this.#ok(past);

    const { promise, resolve } = Promise.withResolvers<string>();
    const watcher = (event: WireEvent): void => {
      if (event.node.modifiedIndex < from || !matches(event)) return;
      this.#watchers.delete(watcher);
      resolve(`${JSON.stringify(event)}\n`);
    };
    this.#watchers.add(watcher);
    return { status: 200, index: this.index, body: promise };
  }

  #record(event: WireEvent): void {
    this.log.push(event);
    for (const watcher of this.#watchers) watcher(event);
  }

  #expire(): void {
    for (const [key, file] of this.files) {
      if (file.expiresAtMs <= this.#time.nowMs) this.remove(key, "expire");
    }
  }

  #ok(body: object): WireAnswer {
    return { status: 200, index: this.index, body: Promise.resolve(`${JSON.stringify(body)}\n`) };
  }

  #refuse(status: number, errorCode: number, cause: string): WireAnswer {
    const error = { errorCode, message: `error ${errorCode}`, cause, index: this.index };
    return { status, index: this.index, body: Promise.resolve(JSON.stringify(error)) };
  }
}

/** What may happen to one request, each as likely as the number says, out of 1. */
export interface Faults {
  /** Never reaches the server. */
  readonly refused: number;
  /** The connection breaks, before or after the server has done its work. */
  readonly broken: number;
  /** Broken, and the server does its work some time later. */
  readonly late: number;
  /** A proxy answers in its own words, or the server says that it has no leader. */
  readonly unavailable: number;
  /** Only of watches: the body ends too early, with or without a sign. */
  readonly cutOff: number;
}

/** A client of a simulated server with two endpoints, and everything around it, by a seed. */
export function simulate(
  seed: number,
  faults: Faults,
  { historyLimit = 1_000 }: { readonly historyLimit?: number } = {},
): Simulation {
  const random = seededRandom(seed);
  const time = new SimulatedTime();
  const server = new SimulatedServer(time, historyLimit);
  const connect = (network?: FaultyNetwork): Client => {
    const transport = network ?? new FaultyNetwork(server, time, random, faults);
    return new Client({ endpoints: ["http://a", "http://b"], transport, clock: time, random });
  };
  return { random, time, server, connect };
}

/** See {@link simulate}. */
export interface Simulation {
  readonly random: () => number;
  readonly time: SimulatedTime;
  readonly server: SimulatedServer;
  /** Another client of the same server. */
  readonly connect: (network?: FaultyNetwork) => Client;
}

/** No faults. */
export const CALM: Faults = { refused: 0, broken: 0, late: 0, unavailable: 0, cutOff: 0 };
/** A third of all requests goes wrong. */
export const STORMY: Faults = { refused: 0.06, broken: 0.12, late: 0.04, unavailable: 0.06, cutOff: 0.2 };

/** A network to the server with faults, which may be changed as the test goes on. */
export class FaultyNetwork implements Transport {
  faults: Faults;
  readonly #server: SimulatedServer;
  readonly #time: SimulatedTime;
  readonly #random: () => number;

  constructor(server: SimulatedServer, time: SimulatedTime, random: () => number, faults: Faults) {
    this.#server = server;
    this.#time = time;
    this.#random = random;
    this.faults = faults;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const { refused, broken, late, unavailable, cutOff } = this.faults;
    await this.#wait(1 + this.#random() * 20, request.signal);
    let draw = this.#random();
    const happens = (likelihood: number): boolean => (draw -= likelihood) < 0;
    if (happens(refused)) throw new ClientError("E_UNREACHABLE", "refused");
    if (happens(broken)) {
      if (this.#random() < 0.5) this.#server.answer(request);
      throw reset();
    }
    if (happens(late)) {
      this.#time.after(this.#random() * 3_000, () => void this.#server.answer(request));
      throw reset();
    }
    if (happens(unavailable)) return response(503, 0, Promise.resolve("<html>no server</html>"));

    const { status, index, body } = this.#server.answer(request);
    const isWatch = request.path.includes("wait=true") && status === 200;
    const whole = this.#within(request.signal, body);
    if (!isWatch || !happens(cutOff)) return response(status, index, whole);
    return response(status, index, this.#cut(whole));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends after a while: with an error, in the middle of the event, or before it. */
  async #cut(body: Promise<string>): Promise<string> {
    const text = await Promise.race([body, this.#time.delay(this.#random() * 2_000).then(() => "")]);
    if (this.#random() < 0.5) throw reset();
    return text.slice(0, Math.floor(this.#random() * text.length));
  }

  async #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#within(signal, this.#time.delay(delayMs));
  }

  async #within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

function wireNode(key: string, file: File | undefined): WireNode {
  if (file === undefined) return { key, createdIndex: 1, modifiedIndex: 1 };
  const { value, createdIndex, modifiedIndex } = file;
  return { key, value, createdIndex, modifiedIndex };
}

function response(status: number, index: number, body: Promise<string>): TransportResponse {
  body.catch(() => undefined); // Whoever reads the body gets the error.
  return {
    status,
    header: (name) => (name === "x-etcd-index" ? String(index) : null),
    body: (async function* () {
      yield Buffer.from(await body);
    })(),
  };
}

function reset(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });
}
