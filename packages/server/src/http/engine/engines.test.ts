import { get, type RequestOptions } from "node:https";
import type { TlsOptions } from "node:tls";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HttpBodyError, type HttpHandler, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import { RawConnection } from "../testing/raw-connection.ts";
import { silentLogger } from "../testing/silent-logger.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../testing/test-certificate.ts";
import type { Engine, Listener } from "./engine.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { listenKv } from "./kv.ts";
import { listenNode } from "./node.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

const TLS: TlsOptions = { key: TEST_KEY, cert: TEST_CERTIFICATE };

const ENGINES: readonly {
  readonly title: string;
  readonly engine: "kv" | "node";
  readonly listen: Engine;
  readonly tls: TlsOptions | null;
}[] = [
  { title: "kv", engine: "kv", listen: listenKv, tls: null },
  { title: "kv over TLS", engine: "kv", listen: listenKv, tls: TLS },
  { title: "node", engine: "node", listen: listenNode, tls: null },
];

function text(body: string, status = 200): HttpResponse {
  return { status, headers: [["Content-Type", "text/plain"]], body };
}

/** A body that ends when told to, and remembers how it was left. */
class Source implements AsyncIterableIterator<string> {
  isReturned = false;
  #resolve: ((result: IteratorResult<string>) => void) | null = null;
  readonly #waiting: string[];

  constructor(waiting: string[] = []) {
    this.#waiting = waiting;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  return(): Promise<IteratorResult<string>> {
    this.isReturned = true;
    const end: IteratorResult<string> = { done: true, value: undefined };
    this.#resolve?.(end);
    return Promise.resolve(end);
  }
}

describe.each(ENGINES)("engine $title", ({ engine, listen, tls }) => {
  let listener: Listener;
  let handler: HttpHandler;
  let errors: string[];

  beforeEach(async () => {
    errors = [];
    const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
    listener = await listen((request) => handler(request), {
      host: "127.0.0.1",
      port: 0,
      tls,
      logger,
    });
  });

  afterEach(async () => {
    await listener.close();
  });

  async function exchange(bytes: string): Promise<string> {
    await using connection = await RawConnection.open(listener.url);
    connection.send(bytes.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    const answer = await connection.untilClosed();
    return answer;
  }

  describe("requests", () => {
    test.each([
      ["/a/b?x=1&y", { path: "/a/b", rawPath: "/a/b", query: "x=1&y" }],
      ["/a%2Fb%20c?q=%20", { path: "/a/b c", rawPath: "/a%2Fb%20c", query: "q=%20" }],
      ["/a+b%2Bc", { path: "/a+b+c", rawPath: "/a+b%2Bc", query: "" }],
      ["/%ff%E2%98%83", { path: "/\udcff☃", rawPath: "/%ff%E2%98%83", query: "" }],
      ["http://host:1/a?b?c", { path: "/a", rawPath: "/a", query: "b?c" }],
      ["/a?", { path: "/a", rawPath: "/a", query: "" }],
    ])("target %s is taken apart", async (url, expected) => {
      const seen: Pick<HttpRequest, "path" | "rawPath" | "query">[] = [];
      handler = ({ path, rawPath, query }) => {
        seen.push({ path, rawPath, query });
        return text("");
      };

      await exchange(`GET ${url} HTTP/1.1\r\nHost: h\r\n\r\n`);

      expect(seen).toEqual([expected]);
    });

    test("all headers are there in order, repeated ones and their case included", async () => {
      let seen: HttpRequest["headers"] = [];
      handler = (request) => {
        seen = request.headers;
        return text("");
      };

      await exchange("GET / HTTP/1.1\r\nHost: h\r\nX-b: 1\r\nx-A: 2\r\nX-b: 3\r\n\r\n");

      expect(seen).toStrictEqual([
        ["Host", "h"],
        ["X-b", "1"],
        ["x-A", "2"],
        ["X-b", "3"],
        ["Connection", "close"],
      ]);
    });

    test("headers are found by their lower-case names and the first Content-Type counts", async () => {
      handler = (request) =>
        text(`${request.header("content-type")} ${request.header("x-none")} ${request.remote.address}`);

      const answer = await exchange(
        "GET / HTTP/1.1\r\nHost: h\r\nCONTENT-TYPE: a\r\nContent-Type: b\r\n\r\n",
      );

      expect(answer).toMatch(/\r\n\r\na undefined 127\.0\.0\.1$/);
    });

    test.each([
      ["none", "POST / HTTP/1.1\r\nHost: h\r\n\r\n", ""],
      ["with a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "abc"],
      [
        "in chunks",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        "abc",
      ],
    ])("a body %s is read as a whole, as text and as a stream", async (_name, bytes, body) => {
      handler = async (request) => text(`<${Buffer.from(await request.body(3)).toString()}>`);
      expect(await exchange(bytes)).toContain(`<${body}>`);

      handler = async (request) => text(`<${await request.latin1(3)}>`);
      expect(await exchange(bytes)).toContain(`<${body}>`);

      handler = async (request) => {
        let all = "";
        for await (const chunk of request.chunks) all += Buffer.from(chunk).toString();
        return text(`<${all}>`);
      };
      expect(await exchange(bytes)).toContain(`<${body}>`);
    });

    test.each([
      ["with a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd"],
      [
        "in chunks",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
      ],
    ])("a body %s beyond the limit is refused, and the connection goes on", async (_name, bytes) => {
      let isText = false;
      handler = async (request) => {
        isText = !isText;
        try {
          await (isText ? request.latin1(3) : request.body(3));
          return text("read");
        } catch (error) {
          return text(error instanceof HttpBodyError ? error.code : String(error));
        }
      };
      await using connection = await RawConnection.open(listener.url);

      connection.send(bytes);
      connection.send(bytes);
      connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

      expect(await connection.until("read")).toMatch(/too_large.*too_large.*read/s);
    });

    test("a long body that comes in pieces is the text of its bytes", async () => {
      const { promise: asked, resolve } = Promise.withResolvers<void>();
      const { promise: read, resolve: resolveText } = Promise.withResolvers<string>();
      handler = async (request) => {
        const reading = request.latin1(200_000);
        resolve();
        resolveText(await reading);
        return text("read");
      };
      const body = Buffer.alloc(200_000, Buffer.from([0, 0x7f, 0x80, 0xff, 0x61]));
      await using connection = await RawConnection.open(listener.url);

      connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
      connection.send(body.subarray(0, 70_001).toString("latin1"));
      await asked;
      connection.send(body.subarray(70_001).toString("latin1"));

      expect((await read) === body.toString("latin1")).toBe(true);
      await connection.until("read");
    });

    test("a client that leaves inside its body aborts the reading and the signal", async () => {
      const asked = Promise.withResolvers<void>();
      const { promise: left, resolve } = Promise.withResolvers<unknown[]>();
      handler = async (request) => {
        const { signal } = request;
        asked.resolve();
        try {
          await request.body(100);
        } catch (error) {
          resolve([error instanceof HttpBodyError && error.code, signal.aborted]);
          throw error;
        }
        return text("");
      };
      const connection = await RawConnection.open(listener.url);
      connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
      await asked.promise;
      await connection[Symbol.asyncDispose]();

      const [code] = await left;
      expect(code).toBe("aborted");
      expect(errors).toEqual([]);
    });

    test("100 Continue is sent when the body is asked for, and not before", async () => {
      const head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
      handler = async (request) => text(Buffer.from(await request.body(3)).toString());
      await using reading = await RawConnection.open(listener.url);
      reading.send(head);
      expect(await reading.until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
      reading.send("abc");
      expect(await reading.until("abc")).toContain("HTTP/1.1 200 OK");

      handler = () => text("no", 400);
      await using refusing = await RawConnection.open(listener.url);
      refusing.send(head);
      expect(await refusing.untilClosed()).toMatch(/^HTTP\/1\.1 400 .*Connection: close.*no$/s);
    });
  });

  describe("answers without asking the handler", () => {
    test.each([
      ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200],
      ["an unknown expectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", 417],
    ])("%s", async (_name, bytes, status) => {
      handler = () => text("reached");

      const answer = await exchange(bytes);

      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).not.toContain("reached");
    });
  });

  describe("answers", () => {
    test("have a Date, their headers in order and nothing that etcd does not send", async () => {
      handler = () => ({
        status: 201,
        headers: [
          ["X-Etcd-Index", "7"],
          ["A", "b"],
        ],
        body: "ok",
      });
      await using connection = await RawConnection.open(listener.url);

      connection.send(GET);

      expect((await connection.until("ok")).replace(/Date: [^\r]+ GMT/, "Date: D")).toBe(
        "HTTP/1.1 201 Created\r\nX-Etcd-Index: 7\r\nA: b\r\nDate: D\r\nContent-Length: 2\r\n\r\nok",
      );
    });

    test.each([
      ["2048 bytes", "x".repeat(2_048), "Content-Length: 2048", "x".repeat(2_048)],
      [
        "2049 bytes",
        "x".repeat(2_049),
        "Transfer-Encoding: chunked",
        `801\r\n${"x".repeat(2_049)}\r\n0\r\n\r\n`,
      ],
      ["2049 bytes in 683 characters", "☃".repeat(683), "Transfer-Encoding: chunked", undefined],
      [
        "2048 bytes that are not text",
        Buffer.alloc(2_048, 0xff),
        "Content-Length: 2048",
        "\xff".repeat(2_048),
      ],
      ["2049 bytes that are not text", Buffer.alloc(2_049, 0xff), "Transfer-Encoding: chunked", undefined],
      ["nothing", null, "Content-Length: 0", ""],
      ["text beyond latin1", "é☃😀", "Content-Length: 9", Buffer.from("é☃😀").toString("latin1")],
    ])("%s are framed with %s", async (_name, body, header, payload) => {
      handler = () => ({ status: 200, headers: [], body });

      const [head = "", ...rest] = (await exchange(GET)).split("\r\n\r\n");

      expect(head).toContain(`\r\n${header}`);
      if (payload !== undefined) expect(rest.join("\r\n\r\n")).toBe(payload);
    });

    test("204 has neither body nor length", async () => {
      handler = () => ({ status: 204, headers: [], body: null });

      const answer = await exchange(GET);

      expect(answer).toMatch(/\r\n\r\n$/);
      expect(answer).not.toMatch(/Content-Length|Transfer-Encoding/);
    });

    test.each([
      ["short", "x".repeat(10), "Content-Length: 10"],
      ["long", "x".repeat(100_000), ""],
      ["stream", new Source(["x"]), ""],
    ])("HEAD sends the head of a %s answer only", async (_name, body, header) => {
      handler = () => ({ status: 200, headers: [], body });

      const answer = await exchange("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");

      expect(answer).toContain(header);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
      if (body instanceof Source) expect(body.isReturned).toBe(true);
    });

    test("a large text arrives whole at a slow reader, characters at piece ends included", async () => {
      const body = `x${"😀".repeat(200_000)}`;
      handler = () => text(body);
      await using connection = await RawConnection.open(listener.url);

      connection.pause();
      connection.send("GET /a HTTP/1.0\r\n\r\n");
      await new Promise((resolve) => setImmediate(resolve));
      connection.resume();
      const answer = await connection.untilClosed();

      expect(Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1").toString() === body).toBe(
        true,
      );
    });

    test.each([8_191, 8_192, 100_003, 1_000_003])(
      "%i bytes arrive whole and in their order",
      async (size) => {
        const body = Buffer.alloc(size, "0123456789");
        handler = () => ({ status: 200, headers: [], body });

        const unframed = await exchange("GET /a HTTP/1.0\r\n\r\n");
        await using connection = await RawConnection.open(listener.url);
        connection.send(GET + GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        const chunked = await connection.untilClosed();

        expect(unframed.slice(unframed.indexOf("\r\n\r\n") + 4) === body.toString()).toBe(true);
        const [first, second, ...more] = chunked.split(/HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n/s).slice(1);
        expect(first === second).toBe(true);
        expect(more).toEqual([]);
        const payload = (first ?? "").replaceAll(/[\da-f]+\r\n([\d]+)\r\n/g, "$1");
        expect(payload === `${body.toString()}0\r\n\r\n`).toBe(true);
      },
    );

    test("a body in pieces is sent one after the other, and an empty piece does not end it", async () => {
      const pieces = ["ab", "", "é", "x".repeat(300_000)].map((piece) => Buffer.from(piece));
      handler = () => ({ status: 200, headers: [], body: pieces });

      const unframed = await exchange("GET /a HTTP/1.0\r\n\r\n");
      const chunked = await exchange(GET);
      const head = await exchange("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");

      expect(unframed.split("\r\n\r\n")[1]).toBe(Buffer.concat(pieces).toString("latin1"));
      const [chunkedHead, payload] = chunked.split(/\r\n\r\n(.*)/s);
      expect(chunkedHead).toContain("Transfer-Encoding: chunked");
      // The engines may send small pieces as one chunk.
      const joined = payload?.replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, "");
      expect(joined).toBe(`${Buffer.concat(pieces).toString("latin1")}\r\n`);
      expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
      expect(head).not.toContain("ab");
    });

    test("a long piece is cut like a long body", async () => {
      const bytes = Buffer.alloc(1_000_000, "x");
      handler = () => ({ status: 200, headers: [], body: ["{", bytes, "}"] });

      const [, payload = ""] = (await exchange(GET)).split(/\r\n\r\n(.*)/s);

      expect(payload.replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, "").trimEnd() === `{${bytes.toString()}}`).toBe(
        true,
      );
      const sizes = payload.match(/(?<=^|\r\n)[\da-f]+(?=\r\n)/g)?.map((size) => Number.parseInt(size, 16));
      // node:http makes one chunk of what is written in one turn.
      if (engine !== "node") expect(sizes).toEqual([1, 262_144, 262_144, 262_144, 213_568, 1, 0]);
    });

    test.each([
      [10, "Content-Length: 17"],
      [100_000, "Transfer-Encoding: chunked"],
    ])("text and %i bytes in pieces are one body with %s", async (size, header) => {
      const pieces = ["a", "é", Buffer.alloc(size, "x"), "", "☃", "z"];
      handler = () => ({ status: 200, headers: [], body: pieces });

      const [head, payload = ""] = (await exchange(GET)).split(/\r\n\r\n(.*)/s);
      const headAlone = await exchange("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");

      expect(head).toContain(header);
      const joined = payload.replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, "").trimEnd();
      expect(Buffer.from(joined, "latin1").toString()).toBe(`aé${"x".repeat(size)}☃z`);
      expect(headAlone).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
      expect(headAlone).not.toContain("xxx");
    });

    test("pipelined requests are answered in their order", async () => {
      const { promise, resolve } = Promise.withResolvers<HttpResponse>();
      handler = (request) => (request.path === "/slow" ? promise : text("fast"));
      await using connection = await RawConnection.open(listener.url);

      connection.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET /fast HTTP/1.1\r\nHost: h\r\n\r\n");
      await new Promise((done) => setImmediate(done));
      resolve(text("slow"));

      expect(await connection.until("fast")).toMatch(/slow.*fast/s);
    });

    test.each<[string, HttpHandler]>([
      [
        "throws",
        () => {
          throw new Error("bug");
        },
      ],
      ["rejects", () => Promise.reject(new Error("bug"))],
    ])("a handler that %s is a 500 without details, and a log line", async (_name, broken) => {
      handler = broken;

      const answer = await exchange(GET);

      expect(answer).toMatch(/^HTTP\/1\.1 500 .*\r\n\r\nInternal Server Error\n$/s);
      expect(answer).not.toContain("bug");
      expect(errors).toEqual(["request handler failed"]);
    });
  });

  describe("streams", () => {
    test("the head leaves before the first piece, each piece as a chunk when it comes, and then the end", async () => {
      const turns = [
        Promise.withResolvers<void>(),
        Promise.withResolvers<void>(),
        Promise.withResolvers<void>(),
      ] as const;
      handler = () => ({
        status: 200,
        headers: [],
        body: (async function* () {
          await turns[0].promise;
          yield "one\n";
          await turns[1].promise;
          yield Buffer.from("two\n");
          await turns[2].promise;
        })(),
      });
      await using connection = await RawConnection.open(listener.url);

      connection.send(GET);
      expect(await connection.until("\r\n\r\n")).toMatch(/Transfer-Encoding: chunked\r\n\r\n$/);
      turns[0].resolve();
      expect(await connection.until("one")).toMatch(/\r\n\r\n4\r\none\n\r\n$/);
      turns[1].resolve();
      expect(await connection.until("two")).toMatch(/one\n\r\n4\r\ntwo\n\r\n$/);
      turns[2].resolve();
      expect(await connection.until("0\r\n")).toMatch(/two\n\r\n0\r\n\r\n$/);
    });

    test("a source that fails cuts the connection without a final chunk", async () => {
      const failing = Promise.withResolvers<never>();
      handler = () => ({
        status: 200,
        headers: [],
        body: (async function* () {
          yield "one";
          await failing.promise;
        })(),
      });
      await using connection = await RawConnection.open(listener.url);

      connection.send(GET);
      await connection.until("one\r\n");
      failing.reject(new Error("bug"));

      expect(await connection.untilClosed()).toMatch(/3\r\none\r\n$/);
    });

    test("a client that leaves is noticed by the body and by the signal, in pipelined requests too", async () => {
      const sources: Source[] = [];
      const aborted: Promise<void>[] = [];
      handler = ({ signal }) => {
        const source = new Source();
        sources.push(source);
        aborted.push(new Promise((resolve) => signal.addEventListener("abort", () => resolve())));
        return { status: 200, headers: [], body: source };
      };
      const connection = await RawConnection.open(listener.url);
      connection.send(GET + GET);
      await connection.until("\r\n\r\n");

      await connection[Symbol.asyncDispose]();
      await Promise.all(aborted);

      // node:http asks for all answers at once, the own engine for one after the other.
      expect(sources.map((source) => source.isReturned)).toEqual(engine === "kv" ? [true] : [true, true]);
    });

    test("a signal is not aborted by an answer that is complete", async () => {
      let signal: AbortSignal | null = null;
      handler = (request) => {
        signal ??= request.signal;
        return text("ok");
      };

      await exchange(GET);
      await listener.close();

      expect(signal).toMatchObject({ aborted: false });
    });
  });

  describe("malformed requests are 400 and end the connection", () => {
    test.each([
      ["request line", "FOO\r\n\r\n"],
      ["blank in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"],
      ["bad escape in the path", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"],
      ["target without a path", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"],
      ["no Host", "GET / HTTP/1.1\r\n\r\n"],
      ["two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
      [
        "length and chunks",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ],
      ["length that is no number", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x\r\n\r\na"],
      ["bare line feeds", "GET / HTTP/1.1\nHost: h\n\n"],
      ["folded header", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n"],
    ])("%s", async (_name, bytes) => {
      handler = () => text("reached");
      await using connection = await RawConnection.open(listener.url);

      connection.send(bytes);
      const answer = await connection.untilClosed();

      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain("Connection: close");
      expect(answer).not.toContain("reached");
    });

    test("a head above 1 MiB is 431", async () => {
      handler = () => text("reached");
      await using connection = await RawConnection.open(listener.url);

      connection.send(`GET / HTTP/1.1\r\nHost: h\r\nX: ${"a".repeat(1_200_000)}\r\n\r\n`);

      expect(await connection.untilClosed()).toMatch(
        /^HTTP\/1\.1 431 .*431 Request Header Fields Too Large$/s,
      );
    });

    test("garbage behind a request that has its answer is told so", async () => {
      handler = async () => text("ok");
      await using connection = await RawConnection.open(listener.url);

      connection.send(GET);
      await connection.until("ok");
      connection.send("GARBAGE\r\n\r\n");

      expect(await connection.untilClosed()).toMatch(/ok.*400 Bad Request$/s);
    });

    test("garbage behind a request that waits for its answer ends the connection", async () => {
      const { promise, resolve } = Promise.withResolvers<HttpResponse>();
      const asked = Promise.withResolvers<void>();
      handler = () => {
        asked.resolve();
        return promise;
      };
      await using connection = await RawConnection.open(listener.url);

      connection.send(`${GET}GARBAGE\r\n\r\n`);
      await asked.promise;
      if (engine === "kv") resolve(text("late"));

      // node:http looks at what was sent ahead at once, the own engine when it is its turn.
      const expected = engine === "kv" ? /^HTTP\/1\.1 200 .*late.*HTTP\/1\.1 400 .*400 Bad Request$/s : /^$/;
      expect(await connection.untilClosed()).toMatch(expected);
    });
  });

  describe("close", () => {
    // The grace for answers never ends here: what has to wait for it would wait for ever.
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    });

    afterEach(() => {
      vi.useRealTimers();
    });

    test("ends connections that wait for a request, used or not", async () => {
      handler = async () => text("ok");
      await using used = await RawConnection.open(listener.url);
      await using unused = await RawConnection.open(listener.url);
      used.send(GET);
      await used.until("ok");

      await listener.close();

      expect(await used.untilClosed()).toMatch(/ok$/);
      expect(await unused.untilClosed()).toBe("");
    });

    test("cuts streams without a final chunk and aborts their signals", async () => {
      const { promise, resolve } = Promise.withResolvers<AbortSignal>();
      handler = (request) => {
        resolve(request.signal);
        return { status: 200, headers: [], body: new Source(["event\n"]) };
      };
      await using connection = await RawConnection.open(listener.url);
      connection.send(GET);
      await connection.until("event\n\r\n");

      await listener.close();

      expect(await connection.untilClosed()).toMatch(/event\n\r\n$/);
      expect((await promise).aborted).toBe(true);
    });

    test("cuts a stream whose reader is stuck", async () => {
      const asked = Promise.withResolvers<void>();
      let piecesBeforeStop = 0;
      handler = () => ({
        status: 200,
        headers: [],
        body: (async function* () {
          for (; ; piecesBeforeStop++) {
            if (piecesBeforeStop === 3) asked.resolve();
            yield Buffer.alloc(1_000_000);
          }
        })(),
      });
      await using connection = await RawConnection.open(listener.url);
      connection.pause();
      connection.send(GET);
      await asked.promise;

      await listener.close();

      expect(piecesBeforeStop).toBeGreaterThanOrEqual(3);
    });

    test("cuts off answers that take longer than the grace", async () => {
      const asked = Promise.withResolvers<void>();
      handler = () => {
        asked.resolve();
        return Promise.withResolvers<HttpResponse>().promise;
      };
      await using connection = await RawConnection.open(listener.url);
      connection.send(GET);
      await asked.promise;

      const closed = listener.close();
      vi.advanceTimersByTime(CLOSE_GRACE_MS);
      await closed;

      expect(await connection.untilClosed()).toBe("");
    });

    test("lets an answer finish that was promised", async () => {
      const answer = Promise.withResolvers<HttpResponse>();
      const asked = Promise.withResolvers<void>();
      handler = () => {
        asked.resolve();
        return answer.promise;
      };
      await using connection = await RawConnection.open(listener.url);
      connection.send(GET);
      await asked.promise;

      const closed = listener.close();
      answer.resolve(text("late"));
      await closed;

      expect(await connection.untilClosed()).toMatch(/Connection: close\r\n.*late$/s);
    });

    test("may be called twice, and frees the port", async () => {
      const port = Number(new URL(listener.url).port);

      await Promise.all([listener.close(), listener.close()]);

      const again = await listen(handler, { host: "127.0.0.1", port, tls, logger: silentLogger });
      expect(again.url).toBe(listener.url);
      await again.close();
    });
  });

  test("the common name of a client with a certificate is known", async () => {
    const asking = {
      key: TEST_KEY,
      cert: TEST_CERTIFICATE,
      ca: TEST_CERTIFICATE,
      requestCert: true,
      rejectUnauthorized: false,
    };
    handler = (request) => text(JSON.stringify(request.remote));
    await using secure = await listen((request) => handler(request), {
      host: "127.0.0.1",
      port: 0,
      tls: asking,
      logger: silentLogger,
    });

    const anonymous = await getSecurely(secure.url, { ca: TEST_CERTIFICATE });
    const named = await getSecurely(secure.url, {
      ca: TEST_CERTIFICATE,
      key: TEST_KEY,
      cert: TEST_CERTIFICATE,
    });

    expect(secure.url).toMatch(/^https:/);
    expect(JSON.parse(anonymous)).toEqual({ address: "127.0.0.1" });
    expect(JSON.parse(named)).toEqual({ address: "127.0.0.1", commonName: "alice" });
  });

  test("an address that is taken is an error of the system", async () => {
    const port = Number(new URL(listener.url).port);

    const second = listen(handler, { host: "127.0.0.1", port, tls, logger: silentLogger });

    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

function getSecurely(url: string, options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ...options, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (body += piece));
      response.on("end", () => resolve(body));
    });
    request.on("error", reject);
  });
}
