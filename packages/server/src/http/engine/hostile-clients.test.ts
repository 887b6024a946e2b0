import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { assert as assertProperty, asyncProperty, string } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpHandler, HttpRequest, HttpResponse } from "@kv/rafthttp/http";
import { ManualClock } from "../testing/manual-clock.ts";
import { RawConnection } from "../testing/raw-connection.ts";
import { silentLogger } from "../testing/silent-logger.ts";
import { SMUGGLING_VECTORS } from "../testing/smuggling-vectors.ts";
import { Departures } from "./departures.ts";
import { Deadlines, SWEEP_INTERVAL_MS } from "./deadlines.ts";
import type { Listener } from "./engine.ts";
import { KvConnection } from "./kv-connection.ts";
import { kvEngineWith } from "./kv.ts";
import {
  BODY_DROP_MAX_BYTES,
  BODY_QUEUE_MAX_BYTES,
  BODY_STEP_BYTES,
  BODY_STEP_MS,
  HEAD_TIME_MAX_MS,
  LINGER_MS,
  PIPELINE_MAX_BYTES,
} from "./limits.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

let clock: ManualClock;
let listener: Listener;
let handler: HttpHandler;
let askedCount: number;

beforeEach(async () => {
  clock = new ManualClock();
  askedCount = 0;
  handler = () => text("ok");
  const listen = kvEngineWith(clock);
  const options = { host: "127.0.0.1", port: 0, tls: null, logger: silentLogger };
  listener = await listen(countAndAsk, options);
});

afterEach(async () => {
  await listener.close();
});

function text(body: string): HttpResponse {
  return { status: 200, headers: [], body };
}

/** A connection without a network: what is pushed comes in, what goes out is kept until it is let go. */
class FakeSocket extends Duplex {
  writtenCount = 0;
  #release: (() => void) | null = null;

  constructor() {
    super({ allowHalfOpen: true, decodeStrings: true });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.writtenCount += chunk.length;
    this.#release = done;
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.writtenCount += chunk.length;
    this.#release = done;
  }

  /** The client reads what was written last. */
  release(): void {
    this.#release?.();
  }
}

function countAndAsk(request: HttpRequest): HttpResponse | Promise<HttpResponse> {
  askedCount++;
  return handler(request);
}

function connectionOn(socket: FakeSocket): KvConnection {
  const context = {
    handler: countAndAsk,
    logger: silentLogger,
    deadlines: new Deadlines(clock),
    departures: new Departures(),
    isClosing: false,
  };
  return new KvConnection(socket as unknown as Socket, context);
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("the answer before a stream arrives although the stream is cut in the same turn", async () => {
  handler = (request) => ({
    status: 200,
    headers: [],
    body: request.query === "wait" ? (async function* () {})() : "done",
  });
  const socket = new FakeSocket();
  connectionOn(socket);

  socket.push("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /a?wait HTTP/1.1\r\nHost: h\r\n\r\n");
  socket.push(null);
  await turn();

  expect(socket.writtenCount).toBeGreaterThan("HTTP/1.1 200 OK".length);
});

describe("smuggling", () => {
  test.each(SMUGGLING_VECTORS)(
    "%s is %i, and nothing behind it is a request",
    async (_name, status, head) => {
      await using connection = await RawConnection.open(listener.url);

      connection.send(`${head}\r\nGET /hidden HTTP/1.1\r\nHost: h\r\n\r\n`);

      // An empty line in front of a request is allowed; then this one is good.
      const isGood = head.startsWith("\r\n");
      if (isGood) {
        expect(await connection.until("ok")).toContain("200 OK");
        return;
      }
      const answer = await connection.untilClosed();
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^\\r]+\\r\\n`));
      expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
      expect(askedCount).toBe(0);
    },
  );

  test.each([
    ["a size that is no number", "zz\r\n"],
    ["a bare LF", "1\na\r\n0\r\n\r\n"],
    ["data longer than its size", "1\r\nab\r\n0\r\n\r\n"],
  ])("chunks with %s are 400", async (_name, body) => {
    handler = async (request) => text(String((await request.body(100)).length));
    await using connection = await RawConnection.open(listener.url);
    const head = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

    connection.send(`${head}${body}${GET}`);

    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 400 .*400 Bad Request$/s);
  });
});

/** Sends one byte per second, each in a turn of its own, until `durationMs` have passed. */
async function trickle(socket: FakeSocket, bytes: string, durationMs: number): Promise<void> {
  for (let at = 0; at * SECOND_MS < durationMs && !socket.destroyed; at++) {
    if (!socket.readableEnded) socket.push(bytes.charAt(at % bytes.length));
    clock.advance(SECOND_MS);
    socket.release();
    await turn();
  }
}

describe("slow clients", () => {
  test("a head that comes byte by byte is complete in time or 408", async () => {
    const socket = new FakeSocket();
    connectionOn(socket);

    await trickle(socket, "GET /aaaaaaaaaa", HEAD_TIME_MAX_MS - SECOND_MS);
    expect(socket.writtenCount).toBe(0);
    await trickle(socket, "a", LINGER_MS + 3 * SECOND_MS);

    expect(socket.writtenCount).toBeGreaterThan(0);
    expect(socket.destroyed).toBe(true);
    expect(askedCount).toBe(0);
  });

  test("a body that comes byte by byte is cut after a step, and its reader told", async () => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>();
    handler = async (request) => {
      await Promise.resolve(request.body(10_000)).catch(resolve);
      return text("");
    };
    const socket = new FakeSocket();
    connectionOn(socket);
    socket.push("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\n");
    await turn();

    await trickle(socket, "x", BODY_STEP_MS + SECOND_MS);

    expect(socket.destroyed).toBe(true);
    expect(await failed).toMatchObject({ code: "aborted" });
  });

  test("a body may take any number of steps that bring enough", async () => {
    handler = async (request) => text(String((await request.body(1_000_000)).length));
    const socket = new FakeSocket();
    connectionOn(socket);
    const size = 100 * BODY_STEP_BYTES;
    socket.push(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += BODY_STEP_BYTES) {
      await turn();
      clock.advance(BODY_STEP_MS - SECOND_MS);
      socket.push("x".repeat(BODY_STEP_BYTES));
    }
    await turn();

    expect(socket.destroyed).toBe(false);
    expect(socket.writtenCount).toBeGreaterThan(0);
  });

  test("a client that waits to be told to go on, for an answer or for nothing has all the time", async () => {
    const answer = Promise.withResolvers<HttpResponse>();
    handler = () => answer.promise;
    const expecting = new FakeSocket();
    const idle = new FakeSocket();
    connectionOn(expecting);
    connectionOn(idle);
    expecting.push("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    await turn();

    clock.advance(DAY_MS);
    expect([expecting.destroyed, idle.destroyed]).toEqual([false, false]);
    answer.resolve(text("late"));
    await turn();

    expect(expecting.writtenCount).toBeGreaterThan(0);
  });

  test("a body that its handler does not read is not the client's fault", async () => {
    handler = () => Promise.withResolvers<HttpResponse>().promise;
    const socket = new FakeSocket();
    connectionOn(socket);
    socket.push("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n");
    socket.push("x".repeat(BODY_QUEUE_MAX_BYTES));
    await turn();
    expect(socket.isPaused()).toBe(true);

    clock.advance(DAY_MS);

    expect(socket.destroyed).toBe(false);
  });

  test("a refused client that does not close is cut", async () => {
    const socket = new FakeSocket();
    connectionOn(socket);
    socket.push("GARBAGE\r\n\r\n");
    await turn();
    socket.release();
    await turn();

    expect(socket.destroyed).toBe(false);
    clock.advance(LINGER_MS + SWEEP_INTERVAL_MS);

    expect(socket.destroyed).toBe(true);
  });
});

describe("clients that do not read", () => {
  test("get no further answers made for them", async () => {
    const socket = new FakeSocket();
    handler = () => text("x".repeat(10_000));
    connectionOn(socket);

    socket.push(GET.repeat(1_000));
    await turn();

    expect(askedCount).toBeLessThan(10);
    expect(socket.isPaused()).toBe(true);
    const before = askedCount;
    socket.release();
    await turn();
    socket.release();
    await turn();
    expect(askedCount).toBeGreaterThan(before);
  });

  test("are not read from without bound while an answer takes long", async () => {
    handler = () => Promise.withResolvers<HttpResponse>().promise;
    const socket = new FakeSocket();
    connectionOn(socket);
    socket.push(GET);
    await turn();

    socket.push(GET.repeat(Math.ceil(PIPELINE_MAX_BYTES / GET.length)));
    await turn();

    expect(socket.isPaused()).toBe(true);
    expect(askedCount).toBe(1);
  });

  test("stop a stream's source, which is asked again when they have read", async () => {
    let pieceCount = 0;
    handler = () => ({
      status: 200,
      headers: [],
      body: (async function* () {
        for (;;) {
          pieceCount++;
          yield Buffer.alloc(10_000);
        }
      })(),
    });
    const socket = new FakeSocket();
    const connection = connectionOn(socket);
    socket.push(GET);
    for (let count = 0; count < 100; count++) await turn();

    expect(pieceCount).toBeLessThan(20);
    const before = pieceCount;
    for (let count = 0; count < 20; count++) {
      socket.release();
      await turn();
    }

    expect(pieceCount).toBeGreaterThan(before);
    connection.destroy();
  });

  test("and send a body that nobody wants are cut after a bound", async () => {
    handler = () => text("no");
    await using connection = await RawConnection.open(listener.url);
    const size = 2 * BODY_DROP_MAX_BYTES;

    connection.send(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    connection.send("x".repeat(size));

    expect(await connection.untilClosed()).toMatch(/200 OK.*no$/s);
  });
});

test("a thousand pipelined requests are answered in their order", async () => {
  handler = (request) =>
    request.path.endsWith("0") ? Promise.resolve(text(request.path)) : text(request.path);
  await using connection = await RawConnection.open(listener.url);
  const paths = Array.from({ length: 1_000 }, (_, number) => `/${number}`);

  connection.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(""));
  connection.send("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  const answers = await connection.untilClosed();
  expect([...answers.matchAll(/\r\n\r\n(\/(?:\d+|last))/g)].map((match) => match[1])).toEqual([
    ...paths,
    "/last",
  ]);
});

test("a read behind a write on one connection sees it", async () => {
  let value = "old";
  const write = Promise.withResolvers<HttpResponse>();
  handler = (request) => (request.method === "PUT" ? write.promise : text(`<${value}>`));
  await using connection = await RawConnection.open(listener.url);

  connection.send(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n${GET}`);
  await turn();
  value = "new";
  write.resolve(text("written"));

  expect(await connection.until(">")).toMatch(/written.*<new>$/s);
});

test("five hundred idle connections stay usable, and cost no timer", async () => {
  const connections: RawConnection[] = [];
  for (let count = 0; count < 500; count++) connections.push(await RawConnection.open(listener.url));
  clock.advance(DAY_MS);

  for (const connection of connections) connection.send(GET);
  const answers = await Promise.all(connections.map((connection) => connection.until("ok")));

  expect(answers.every((answer) => answer.endsWith("ok"))).toBe(true);
  expect(clock.timerCount).toBe(0);
  for (const connection of connections) await connection[Symbol.asyncDispose]();
});

describe("a client that ends its half", () => {
  test("still gets the answers to what it has sent", async () => {
    const { promise, resolve } = Promise.withResolvers<HttpResponse>();
    handler = (request) => (request.path === "/slow" ? promise : text("fast"));
    await using connection = await RawConnection.open(listener.url);

    connection.send(`GET /slow HTTP/1.1\r\nHost: h\r\n\r\n${GET}`);
    connection.endHalf();
    await turn();
    resolve(text("slow"));

    expect(await connection.untilClosed()).toMatch(/slow.*fast$/s);
  });

  test("inside a head gets 400", async () => {
    await using connection = await RawConnection.open(listener.url);

    connection.send("GET /a HT");
    connection.endHalf();

    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("inside a body gets 400, and its handler no body", async () => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>();
    handler = async (request) => {
      await Promise.resolve(request.body(100)).catch(resolve);
      return text("");
    };
    await using connection = await RawConnection.open(listener.url);

    connection.send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    connection.endHalf();

    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await failed).toMatchObject({ code: "aborted" });
  });

  test("while it waits for events ends its stream", async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    handler = () => ({
      status: 200,
      headers: [],
      body: {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.withResolvers<IteratorResult<string>>().promise,
          return: () => {
            resolve();
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      },
    });
    await using connection = await RawConnection.open(listener.url);
    connection.send(GET);
    await connection.until("\r\n\r\n");

    connection.endHalf();

    await stopped;
    await connection.untilClosed();
  });
});

test("a connection that is reset aborts its request", async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  handler = (request) => {
    request.signal.addEventListener("abort", () => resolve());
    asked.resolve();
    return Promise.withResolvers<HttpResponse>().promise;
  };
  await using connection = await RawConnection.open(listener.url);
  connection.send(GET);
  await asked.promise;

  connection.reset();

  await aborted;
});

test("a late answer for a client that is gone is let go", async () => {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<HttpResponse>();
  handler = (request) => {
    request.signal.addEventListener("abort", () => gone.resolve());
    asked.resolve();
    return answer.promise;
  };
  const connection = await RawConnection.open(listener.url);
  connection.send(GET);
  await asked.promise;
  connection.reset();
  await gone.promise;
  await turn();

  const end = { done: true as const, value: undefined };
  const source = {
    next: () => Promise.resolve(end),
    return: () => {
      resolve();
      return Promise.resolve(end);
    },
  };
  answer.resolve({ status: 200, headers: [], body: { [Symbol.asyncIterator]: () => source } });

  await stopped;
});

test("whatever a handler puts into a header, there is one answer with one head", async () => {
  const unit = string({ unit: "binary", maxLength: 12 });
  await assertProperty(
    asyncProperty(unit, unit, async (before, behind) => {
      handler = () => ({
        status: 301,
        headers: [["Location", `/${before}\r\nX-Evil: 1\r\n\r\nHTTP/1.1 200 OK${behind}`]],
        body: "x",
      });
      await using connection = await RawConnection.open(listener.url);

      connection.send("GET / HTTP/1.0\r\n\r\n");

      const answer = await connection.untilClosed();
      expect(answer.startsWith("HTTP/1.1 500 ")).toBe(true);
      expect(answer).not.toContain("Evil");
    }),
    { numRuns: 50 },
  );
});
