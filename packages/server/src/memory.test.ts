// A member without a disk answers as one with a directory does.

import { expect, test } from "vitest";
import { newRequest } from "./request.ts";
import { createMemoryServer, type EtcdServer } from "./server.ts";
import { ManualClock, rememberingLogger } from "./server.test.support.ts";

async function start(clock: ManualClock, lines: string[] = []): Promise<EtcdServer> {
  const config = { name: "one", advertiseClientUrls: ["http://127.0.0.1:2"] };
  const server = createMemoryServer(config, { logger: rememberingLogger(lines), clock });
  await server.do(newRequest("QGET", "/1")); // kept until somebody leads
  return server;
}

function put(key: string, value: string): ReturnType<typeof newRequest> {
  const request = newRequest("PUT", key);
  request.val = value;
  return request;
}

test("leads, publishes itself and takes writes although no time passes", async () => {
  await using server = await start(new ManualClock());

  const { event } = await server.do(put("/1/a", "1"));

  expect(event?.node.value).toBe("1");
  expect(server.leader).toBe(server.id);
  expect(server.members().map(({ name, clientUrls }) => ({ name, clientUrls }))).toEqual([
    { name: "one", clientUrls: ["http://127.0.0.1:2"] },
  ]);
});

test("expires keys by the clock it was given", async () => {
  const clock = new ManualClock();
  await using server = await start(clock);
  const request = put("/1/a", "1");
  request.expiration = clock.unixNanos() + 5_000_000_000n;
  await server.do(request);

  clock.advance(4_500);
  await server.do(newRequest("QGET", "/1/a"));
  clock.advance(1_000);

  await expect(server.do(newRequest("QGET", "/1/a"))).rejects.toMatchObject({ errorCode: 100 });
});

test("takes snapshots that let go of the log, and forgets nothing in between", async () => {
  const lines: string[] = [];
  await using server = await start(new ManualClock(), lines);

  for (let n = 0; n < 10_050; n++) await server.do(put("/1/a", String(n)));

  expect((await server.do(newRequest("QGET", "/1/a"))).event?.node.value).toBe("10049");
  await server.close(); // waits for the snapshot that is being taken
  expect(lines).toContain("etcdserver: saved snapshot");
});
