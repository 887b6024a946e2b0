import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeEngine } from "@kv/server";
import type { Listener } from "@kv/server";
import { recordingLogger } from "../recording-logger.test.support.ts";
import { proxyHandler } from "./proxy-handler.ts";
import { Upstream } from "./upstream.ts";

/** Members that play a role, a proxy before them, and what happened. */
let members: { readonly url: string; readonly server: Server }[];
let available: string[];
let failed: string[];
let log: string[];
let upstream: Upstream;
let proxy: Listener;

beforeEach(async () => {
  members = [];
  available = [];
  failed = [];
  log = [];
  proxy = await startProxy({ isReadonly: false, readMs: 0, writeMs: 5_000 });
});

afterEach(async () => {
  await proxy.close();
  await upstream.close();
  for (const { server } of members) {
    server.closeAllConnections();
    server.close();
  }
});

async function startProxy(options: {
  readonly isReadonly: boolean;
  readonly readMs: number;
  readonly writeMs: number;
}): Promise<Listener> {
  upstream = new Upstream({ dialMs: 1_000, writeMs: options.writeMs, readMs: options.readMs }, null);
  const handler = proxyHandler({
    endpoints: {
      get available() {
        return available.filter((url) => !failed.includes(url));
      },
      markFailed: (url) => void failed.push(url),
    },
    upstream,
    isReadonly: options.isReadonly,
    logger: recordingLogger(log),
  });
  return nodeEngine(handler, { host: "127.0.0.1", port: 0, tls: null, logger: recordingLogger(log) });
}

async function restartProxy(options: Parameters<typeof startProxy>[0]): Promise<void> {
  await proxy.close();
  await upstream.close();
  proxy = await startProxy(options);
}

type Serve = (...exchange: Parameters<RequestListener>) => void | Promise<void>;

async function member(serve: Serve): Promise<string> {
  const server = createServer((request, response) => void Promise.resolve(serve(request, response)));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const url = `http://127.0.0.1:${address.port}`;
  members.push({ url, server });
  available.push(url);
  return url;
}

async function deadMember(): Promise<string> {
  const url = await member(() => undefined);
  const { server } = members.pop() ?? {};
  await new Promise((resolve) => server?.close(resolve));
  return url;
}

/** All bytes of one exchange, on a connection of its own. */
async function exchange(head: string, body = ""): Promise<string> {
  const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
  socket.write(`${head}\r\nConnection: close\r\n\r\n${body}`);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text;
}

describe("what is passed on", () => {
  test("a request arrives as it was sent, but for headers of the connection and X-Forwarded-For", async () => {
    let seen: { line: string; headers: readonly string[]; body: string } | null = null;
    await member(async (request, response) => {
      seen = {
        line: `${request.method} ${request.url}`,
        headers: request.rawHeaders,
        body: await bodyOf(request),
      };
      response.end("ok");
    });

    await exchange(
      [
        "PUT /v2/keys/a%20b%2fc?prevExist=false HTTP/1.1",
        "Host: etcd.example:2379",
        "X-Own: 1",
        "x-own: 2",
        "Keep-Alive: 5",
        "TE: trailers",
        "Proxy-Authorization: secret",
        "X-Forwarded-For: 10.0.0.1",
        "Authorization: Basic eA==",
        "Content-Length: 7",
      ].join("\r\n"),
      "value=x",
    );

    expect(seen).toMatchObject({ line: "PUT /v2/keys/a%20b%2fc?prevExist=false", body: "value=x" });
    const { headers } = seen as unknown as { headers: readonly string[] };
    const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${headers[i + 1]}`] : []));
    expect(pairs).toStrictEqual([
      "host: etcd.example:2379",
      "connection: keep-alive",
      "X-Own: 1",
      "x-own: 2",
      "Authorization: Basic eA==",
      "X-Forwarded-For: 10.0.0.1, 127.0.0.1",
      "content-length: 7",
    ]);
  });

  test("a body in chunks is passed on whole", async () => {
    await member(async (request, response) => void response.end(await bodyOf(request)));

    const answer = await exchange(
      "POST /v2/keys/q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked",
      "3\r\nval\r\n4\r\nue=x\r\n0\r\n\r\n",
    );

    expect(answer).toMatch(/value=x$/);
  });

  test("an answer comes back with its status, headers in their case, and length", async () => {
    await member((_request, response) => {
      response.setHeader("Date", "Mon, 01 Jan 2001 00:00:00 GMT");
      response.writeHead(412, {
        "X-Etcd-Index": "9",
        "Content-Type": "application/json",
        "Content-Length": 2,
      });
      response.end("{}");
    });

    const answer = await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h");

    expect(answer).toMatch(/^HTTP\/1\.1 412 /);
    expect(answer).toContain("\r\nX-Etcd-Index: 9\r\nContent-Type: application/json\r\n");
    expect(answer).toMatch(/\r\nContent-Length: 2\r\n/);
    expect(answer.match(/\r\nDate: /g)).toHaveLength(1);
    expect(answer).toMatch(/\r\n\r\n\{\}$/);
  });

  test("a member's own failure is its answer, and nobody else is asked", async () => {
    await member((_request, response) => void response.writeHead(500).end("broken"));
    await member(() => {
      throw new Error("must not be asked");
    });

    expect(await exchange("GET /health HTTP/1.1\r\nHost: h")).toMatch(
      /^HTTP\/1\.1 500 [^]*\r\nbroken\r\n0\r\n\r\n$/,
    );
    expect(failed).toStrictEqual([]);
  });

  test("the answer to a HEAD has the length of the body that it has not", async () => {
    await member((_request, response) => void response.writeHead(200, { "Content-Length": 77 }).end());

    const answer = await exchange("HEAD /v2/keys/a HTTP/1.1\r\nHost: h");

    expect(answer).toContain("Content-Length: 77\r\n");
    expect(answer).toMatch(/\r\n\r\n$/);
  });

  test("204 has no body", async () => {
    await member((_request, response) => void response.writeHead(204).end());

    expect(await exchange("DELETE /v2/members/1 HTTP/1.1\r\nHost: h")).toMatch(
      /^HTTP\/1\.1 204 (?![^]*Content-Length)[^]*\r\n\r\n$/,
    );
  });
});

describe("long polls", () => {
  test("head and pieces come through as they are made", async () => {
    const next = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    await member(async (_request, response) => {
      response.writeHead(200, { "X-Etcd-Index": "5" }).flushHeaders();
      for (const piece of next) response.write(await piece.promise);
      response.end();
    });

    const response = await fetch(`${proxy.url}/v2/keys/a?wait=true&stream=true`);
    const reader = response.body?.getReader();
    expect(response.headers.get("x-etcd-index")).toBe("5");
    for (const [i, piece] of next.entries()) {
      piece.resolve(`event ${i}`);
      expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(`event ${i}`);
    }
    expect((await reader?.read())?.done).toBe(true);
  });

  test.each(["before the head", "after the head"])(
    "a client that leaves %s ends the member's request",
    async (when) => {
      const arrived = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      await member((_request, response) => {
        response.on("close", () => left.resolve());
        if (when === "after the head") response.flushHeaders();
        arrived.resolve();
      });
      const client = new AbortController();

      const answer = fetch(`${proxy.url}/v2/keys/a?wait=true`, { signal: client.signal });
      const settled = answer.catch(() => null);
      await arrived.promise;
      if (when === "after the head") await answer;
      client.abort();

      await settled;
      await left.promise;
      expect(failed).toStrictEqual([]);
    },
  );

  test("a large answer waits for a slow reader", async () => {
    let writtenBytes = 0;
    const size = 64 * 1_048_576;
    await member((_request, response) => {
      const piece = Buffer.alloc(65_536);
      const fill = (): void => {
        while (writtenBytes < size) {
          writtenBytes += piece.length;
          if (!response.write(piece)) return void response.once("drain", fill);
        }
        response.end();
      };
      fill();
    });
    const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
    socket.write("GET /v2/keys/ HTTP/1.1\r\nHost: h\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));

    // Nobody reads: the member stops long before its end. Two equal looks in a row mean it has.
    let before = -1;
    while (before !== writtenBytes) {
      before = writtenBytes;
      for (let turn = 0; turn < 2_000; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(writtenBytes).toBeLessThan(size / 2);
    socket.destroy();
  });
});

describe("members that fail", () => {
  test.each(["GET", "PUT"])("a %s goes to the next when nobody listens", async (method) => {
    const dead = await deadMember();
    await member(
      async (request, response) => void response.end(`${request.method} ${await bodyOf(request)}`),
    );
    const body = method === "PUT" ? "value=1" : "";

    const head = `${method} /v2/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}`;
    expect(await exchange(head, body)).toMatch(new RegExp(`${method} ${body}$`));
    expect(failed).toStrictEqual([dead]);
  });

  test("a GET whose connection breaks goes to the next", async () => {
    await member((request) => void request.socket.destroy());
    await member((_request, response) => void response.end("second"));

    expect(await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h")).toMatch(/second$/);
  });

  test.each(["PUT", "POST", "DELETE"])("a %s whose connection breaks is not sent again", async (method) => {
    let count = 0;
    const drop: RequestListener = (request) => {
      count++;
      request.socket.destroy();
    };
    const first = await member(drop);
    await member(drop);

    const answer = await exchange(`${method} /v2/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: 7`, "value=1");

    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).toContain('{"message":"proxy: unable to get response from 1 endpoint(s)"}');
    expect(count).toBe(1);
    expect(failed).toStrictEqual([first]);
  });

  test("when all fail the answer is 502, and then 503", async () => {
    await deadMember();
    await deadMember();

    expect(await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h")).toContain(
      '{"message":"proxy: unable to get response from 2 endpoint(s)"}',
    );
    const answer = await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h");
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain('{"message":"proxy: zero endpoints currently available"}');
  });

  test("a member that does not answer in the read timeout counts as failed", async () => {
    await restartProxy({ isReadonly: false, readMs: 50, writeMs: 0 });
    const silent = await member(() => undefined);

    expect(await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h")).toMatch(/^HTTP\/1\.1 502 /);
    expect(failed).toStrictEqual([silent]);
  });

  test("a member that does not take a request in the write timeout counts as failed", async () => {
    await restartProxy({ isReadonly: false, readMs: 0, writeMs: 100 });
    // The head is read, the body never: 32 MiB do not fit into the buffers in between.
    const stuck = await member((request) => void request.pause());
    const body = "x".repeat(32 * 1_048_576);

    const answer = await exchange(
      `PUT /v2/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}`,
      body,
    );

    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(failed).toStrictEqual([stuck]);
    expect(log.join()).toContain("request could not be written within 100 ms");
  });
});

describe("the proxy's own answers", () => {
  test("its page lists the endpoints that are available", async () => {
    const a = await deadMember();
    const b = await deadMember();
    failed.push(a);

    expect(await exchange("GET /v2/config/local/proxy HTTP/1.1\r\nHost: h")).toMatch(
      new RegExp(`\r\nContent-Type: text/plain[^]*\r\n\r\n\\{"endpoints":\\["${b}"\\]\\}\n$`),
    );
    expect(await exchange("PUT /v2/config/local/proxy HTTP/1.1\r\nHost: h")).toMatch(
      /^HTTP\/1\.1 405 [^]*\r\nAllow: GET\r\n/,
    );
  });

  test("/metrics of a member is not passed off as its own", async () => {
    await member((_request, response) => void response.end("etcd_server_…"));

    expect(await exchange("GET /metrics HTTP/1.1\r\nHost: h")).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each(["HEAD", "PUT", "POST", "DELETE", "OPTIONS"])(
    "read-only: %s is 501 without a body",
    async (method) => {
      await restartProxy({ isReadonly: true, readMs: 0, writeMs: 0 });
      await member((_request, response) => void response.end("x"));

      expect(await exchange(`${method} /v2/keys/a HTTP/1.1\r\nHost: h`)).toMatch(
        /^HTTP\/1\.1 501 [^]*\r\nContent-Length: 0\r\n[^]*\r\n\r\n$/,
      );
      expect(await exchange("GET /v2/keys/a HTTP/1.1\r\nHost: h")).toMatch(/x$/);
    },
  );
});
