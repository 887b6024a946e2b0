// The server that other people's tests run on.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { Client, lock } from "../index.ts";
import { startTestServer } from "./index.ts";

test("a server answers its client and everybody who knows its URL", async () => {
  await using server = await startTestServer();

  const { node } = await server.client.keys.set("/a", "1");
  await using other = new Client({ endpoints: [server.url] });

  expect(node.modifiedIndex).toBe(4); // as on a new etcd: three entries are the member's own
  expect((await other.keys.get("/a", { quorum: true })).node.value).toBe("1");
  expect(await other.health()).toBe(true);
  const { etcdIndex, raftIndex, raftTerm } = await other.stats.raft();
  expect([etcdIndex, raftTerm]).toEqual([4, 2]);
  expect(raftIndex).toBeGreaterThanOrEqual(4);
  expect(await other.sync()).toEqual([server.url]);
});

test("keys expire when the time of their TTL was let pass, and not before", async () => {
  await using server = await startTestServer();
  const { keys } = server.client;
  await keys.set("/short", "1", { ttl: 3_600 });
  await keys.set("/long", "1", { ttl: 7_200 });

  // The clock runs as well, so there is room for a slow machine.
  await server.advance(3_000_000);
  const before = await keys.get("/short");
  await server.advance(600_001);

  expect(before.node.ttl).toBeLessThanOrEqual(600);
  await expect(keys.get("/short")).rejects.toMatchObject({ errorCode: 100 });
  expect((await keys.get("/long")).node.ttl).toBeLessThanOrEqual(3_600);
});

test("a watcher sees an expiry that was not waited for", async () => {
  await using server = await startTestServer();
  const { node } = await server.client.keys.set("/a", "1", { ttl: 3_600 });
  const events = server.client.watch("/a", { from: node.modifiedIndex + 1 });
  const next = events.next();

  await server.advance(3_600_001);

  expect((await next).value).toMatchObject({ type: "event", action: "expire" });
  await events.return();
});

test("requests that are on their way when time jumps are carried out", async () => {
  await using server = await startTestServer();
  const writes = Array.from({ length: 50 }, (_, n) => server.client.keys.set(`/${n}`, "1"));

  await server.advance(3_600_000);

  await expect(Promise.all(writes)).resolves.toHaveLength(50);
});

test("a lock is lost when its TTL was let pass without a heartbeat", async () => {
  await using server = await startTestServer();
  const held = await lock(server.client, "/lock", { ttl: 30 });

  await server.advance(30_001);
  await using next = await lock(server.client, "/lock", { ttl: 30 });

  expect(next.fencingIndex).toBeGreaterThan(held.fencingIndex);
  await held.release();
});

test("servers side by side know nothing of each other", async () => {
  const servers = await Promise.all(Array.from({ length: 20 }, () => startTestServer()));

  await Promise.all(servers.map(({ client, url }) => client.keys.set("/a", url)));
  const values = await Promise.all(servers.map(({ client }) => client.keys.get("/a")));

  expect(values.map(({ node }) => node.value)).toEqual(servers.map(({ url }) => url));
  await Promise.all(servers.map((server) => server.close()));
});

test("users and passwords work", async () => {
  await using server = await startTestServer();
  await server.client.auth.setPassword("root", "secret");
  await server.client.auth.enable();

  const credentials = { username: "root", password: "secret" };
  await using root = new Client({ endpoints: [server.url], credentials });

  expect(await root.auth.user("root")).toMatchObject({ name: "root" });
  await expect(server.client.auth.users()).rejects.toMatchObject({ status: 401 });
});

test("nothing answers after close, and closing twice is harmless", async () => {
  const server = await startTestServer();
  await server.close();
  await server.close();
  await using other = new Client({ endpoints: [server.url] });

  await expect(other.keys.get("/")).rejects.toMatchObject({ code: "E_UNREACHABLE" });
  await expect(server.client.keys.get("/")).rejects.toMatchObject({ code: "E_CLOSED" });
  await expect(server.advance(1)).rejects.toMatchObject({ code: "E_CLOSED" });
});

test.each([-1, 0.5, Number.NaN])("time cannot be moved by %d ms", async (ms) => {
  await using server = await startTestServer();

  await expect(server.advance(ms)).rejects.toMatchObject({ code: "E_CONFIG" });
});

test("a process ends by itself when its servers are closed", async () => {
  const program = `
    import { startTestServer } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
    const server = await startTestServer();
    await server.client.keys.set("/a", "1");
    await server.close();
    await new Promise((resolve) => setImmediate(resolve)); // libuv lets go of handles in the turn after
    const left = process.getActiveResourcesInfo().filter((name) => !/^(Pipe|TTY|File|Immediate)/.test(name));
    console.log(JSON.stringify(left));
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=@kv/source", "--input-type=module", "--eval", program],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const output = text(child.stdout);
  const errors = text(child.stderr);

  const [status] = await once(child, "exit");

  expect(await errors).toBe("");
  expect([status, await output]).toEqual([0, "[]\n"]);
});
