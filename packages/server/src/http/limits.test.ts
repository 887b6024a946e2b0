// What is too large is answered, clearly and soon, whichever engine reads it; nothing of it is kept.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientHandler } from "./client-handler.ts";
import type { Listener } from "./engine/engine.ts";
import { listenKv } from "./engine/kv.ts";
import { listenNode } from "./engine/node.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { RawConnection } from "./testing/raw-connection.ts";
import { silentLogger } from "./testing/silent-logger.ts";

const FORM_SIZE_MAX_BYTES = 10_485_760;
const FORM_TYPE = "Content-Type: application/x-www-form-urlencoded";

/** A path of this many levels took etcd gigabytes. */
const LEVEL_COUNT = 100_000;

/** Generous for a slow machine; anything that grows with the square takes minutes. */
const CPU_TIME_MAX_MS = 5_000;
const MEMORY_MAX_BYTES = 300 * 1024 * 1024;

const now = () => 0n;

describe.each([
  { title: "kv", listen: listenKv },
  { title: "node", listen: listenNode },
])("engine $title", ({ listen }) => {
  let server: MemoryServer;
  let listener: Listener;
  let before: { readonly cpu: NodeJS.CpuUsage; readonly memory: number };

  beforeEach(async () => {
    server = new MemoryServer(now);
    listener = await listen(clientHandler(server, { now, logger: silentLogger }), {
      host: "127.0.0.1",
      port: 0,
      tls: null,
      logger: silentLogger,
    });
    before = { cpu: process.cpuUsage(), memory: process.memoryUsage.rss() };
  });

  afterEach(async () => {
    await listener.close();
  });

  /** The answer to one request, which must cost little and change nothing. */
  async function answerTo(request: string, until: string): Promise<string> {
    await using connection = await RawConnection.open(listener.url);
    connection.send(request);
    const answer = await connection.until(until);
    const { user, system } = process.cpuUsage(before.cpu);
    expect((user + system) / 1_000).toBeLessThan(CPU_TIME_MAX_MS);
    expect(process.memoryUsage.rss() - before.memory).toBeLessThan(MEMORY_MAX_BYTES);
    expect(server.etcdIndex).toBe(0);
    return answer;
  }

  test.each(["GET", "PUT", "DELETE"])(
    "%s of a path of 100,000 levels is an invalid field",
    async (method) => {
      const path = `/v2/keys${"/a".repeat(LEVEL_COUNT)}`;

      const answer = await answerTo(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, "\n\r\n{");

      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).toContain(
        '{"errorCode":209,"message":"Invalid field","cause":"key has more than 1000 levels"',
      );
    },
  );

  test("a path of 100,000 empty levels is redirected to the one it means", async () => {
    const path = `/v2/keys${"/".repeat(LEVEL_COUNT)}`;

    const answer = await answerTo(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, "\r\n\r\n");

    expect(answer).toMatch(/^HTTP\/1\.1 301 /);
    expect(answer).toContain("\r\nLocation: /v2/keys/\r\n");
  });

  test("a key of 1 MiB is more than a request head may have", async () => {
    const path = `/v2/keys/${"a".repeat(1_048_576)}`;

    const answer = await answerTo(`PUT ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, "\r\n\r\n");

    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  });

  test("a form of more than 10 MiB is refused before it is read", async () => {
    const head = `PUT /v2/keys/a HTTP/1.1\r\nHost: a\r\n${FORM_TYPE}\r\nContent-Length: ${FORM_SIZE_MAX_BYTES + 1}`;

    const answer = await answerTo(`${head}\r\n\r\nvalue=`, "}\n");

    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"message":"Invalid POST form","cause":"http: POST too large"');
  });

  test("a form in pieces is refused when it becomes larger than 10 MiB", async () => {
    const head = `PUT /v2/keys/a HTTP/1.1\r\nHost: a\r\n${FORM_TYPE}\r\nTransfer-Encoding: chunked`;
    const piece = `100000\r\n${"a".repeat(0x100000)}\r\n`;

    const answer = await answerTo(`${head}\r\n\r\n${piece.repeat(11)}0\r\n\r\n`, "}\n");

    expect(answer).toContain('"message":"Invalid POST form","cause":"http: POST too large"');
  });

  test.each(["a=1&", "a&", "value=1&"])(
    "100,000 parameters %s are refused, 10,000 are read",
    async (pair) => {
      const ask = (count: number): Promise<string> =>
        answerTo(`GET /v2/keys/a?${pair.repeat(count)} HTTP/1.1\r\nHost: a\r\n\r\n`, "}\n");

      expect(await ask(100_000)).toContain(
        '"message":"Invalid POST form","cause":"more than 10000 parameters"',
      );
      expect(await ask(10_000)).toContain('"errorCode":100');
      expect(await ask(10_001)).toContain('"errorCode":210');
    },
  );
});
