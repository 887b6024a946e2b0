// The client against a real etcd with the v2 API, started here on a port and in a directory of its own.
// Needs the program `etcd` (3.x with --enable-v2) on PATH; KV_REQUIRE_PEERS=1 makes its absence a failure.

import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "./client.ts";

const START_TIMEOUT_MS = 20_000;
const isPresent = spawnSync("etcd", ["--version"]).status === 0;
if (!isPresent) {
  if (process.env["KV_REQUIRE_PEERS"] === "1")
    throw new Error("KV_REQUIRE_PEERS=1, and there is no etcd on PATH");
  process.stderr.write(
    "\n*** NOT TESTED: the client against a real etcd, because there is no etcd on PATH ***\n\n",
  );
}

describe.runIf(isPresent)("against a real etcd", () => {
  let directory = "";
  let server: ChildProcess;
  let client: Client;
  let url = "";

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "kv-client-"));
    url = `http://127.0.0.1:${await freePort()}`;
    const peerUrl = `http://127.0.0.1:${await freePort()}`;
    const urls = ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peerUrl];
    const cluster = ["--initial-advertise-peer-urls", peerUrl, "--initial-cluster", `n1=${peerUrl}`];
    const args = ["--enable-v2=true", "--name", "n1", "--data-dir", directory, ...urls, ...cluster];
    server = spawn("etcd", args, { stdio: ["ignore", "ignore", "pipe"] });
    client = new Client({ endpoints: [url] });
    await ready(server);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await client.close();
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
    await rm(directory, { recursive: true });
  });

  test("a key goes through its life", async () => {
    const { keys } = client;
    const created = await keys.create("/life/ключ ?%", "1<&>\u2028", { ttl: 100 });
    expect(created).toMatchObject({
      action: "create",
      prevNode: null,
      node: { key: "/life/ключ ?%", ttl: 100 },
    });
    expect(created.etcdIndex).toBe(created.node.modifiedIndex);

    const swapped = await keys.compareAndSwap("/life/ключ ?%", "2", { prevValue: "1<&>\u2028" });
    expect(swapped).toMatchObject({ action: "compareAndSwap", prevNode: { value: "1<&>\u2028" } });
    await keys.refresh("/life/ключ ?%", 50);
    expect((await keys.get("/life/ключ ?%", { quorum: true })).node).toMatchObject({ value: "2", ttl: 50 });
    await keys.update("/life/ключ ?%", "3");
    expect((await keys.get("/life/ключ ?%")).node).toMatchObject({ value: "3", ttl: null, expiration: null });
    const { node } = await keys.get("/life/ключ ?%");
    const removed = await keys.compareAndDelete("/life/ключ ?%", { prevIndex: node.modifiedIndex });
    expect(removed).toMatchObject({
      action: "compareAndDelete",
      node: { value: null },
      prevNode: { value: "3" },
    });

    await expect(keys.get("/life/ключ ?%")).rejects.toMatchObject({
      errorCode: 100,
      message: "Key not found",
      etcdCause: "/life/ключ ?%",
      status: 404,
    });
  });

  test("directories: made, listed, given a TTL, removed", async () => {
    const { keys } = client;
    await keys.mkdir("/dir");
    const first = await keys.createInOrder("/dir/queue", "a");
    const second = await keys.createInOrder("/dir/queue", "b");
    await keys.updateDir("/dir", { ttl: 100 });

    const { node } = await keys.get("/dir", { recursive: true, sorted: true });

    expect(node).toMatchObject({ dir: true, ttl: 100, value: null });
    const queue = node.nodes?.[0];
    expect(queue?.nodes?.map((child) => child.key)).toEqual([first.node.key, second.node.key]);
    await expect(keys.delete("/dir", { dir: true })).rejects.toMatchObject({ errorCode: 108 });
    expect(await keys.delete("/dir", { recursive: true })).toMatchObject({
      action: "delete",
      node: { dir: true },
    });
  });

  test("a value of any bytes is compared byte for byte", async () => {
    await client.keys.set("/bytes", Uint8Array.of(0, 0xff, 0x0a));

    await client.keys.compareAndSwap("/bytes", "text", { prevValue: "\0\udcff\n" });

    expect((await client.keys.get("/bytes")).node.value).toBe("text");
  });

  test("a watch reads the history, then what comes, and tells of a gap", async () => {
    const { node } = await client.keys.set("/watched", "0");
    const seen: unknown[] = [];
    for await (const event of client.watch("/watched", { from: node.modifiedIndex })) {
      if (event.type === "gap") throw new Error("there is no gap yet");
      seen.push(event.node.value);
      if (seen.length === 3) break;
      await client.keys.set("/watched", String(seen.length));
    }
    expect(seen).toEqual(["0", "1", "2"]);

    // The server keeps 1000 events.
    for (let i = 0; i < 10; i++) {
      await Promise.all(Array.from({ length: 101 }, () => client.keys.set("/unwatched", "v")));
    }
    const { value: gap } = await client.watch("/watched", { from: node.modifiedIndex }).next();
    expect(gap).toMatchObject({ type: "gap", from: node.modifiedIndex, error: { errorCode: 401 } });
  });

  test("members, health, version and statistics are as the schemas say", async () => {
    const [member] = await client.members.list();
    expect(member).toMatchObject({ name: "n1", clientURLs: [url] });
    expect(await client.members.leader()).toEqual(member);
    expect(await client.sync()).toEqual([url]);
    expect(await client.health({ endpoint: url })).toBe(true);
    expect((await client.version()).etcdserver).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await client.stats.self()).toMatchObject({ name: "n1", state: "StateLeader" });
    expect(await client.stats.leader()).toEqual({ leader: member?.id, followers: {} });
    expect((await client.stats.store()).setsSuccess).toBeGreaterThan(0);
    expect((await client.stats.raft()).raftTerm).toBeGreaterThan(0);
    await expect(client.members.remove("zz")).rejects.toMatchObject({
      errorCode: null,
      status: 404,
      message: "No such member: zz",
    });
  });
});

/** Resolves when the server says that it is ready; its log goes on to nowhere. */
async function ready(server: ChildProcess): Promise<void> {
  let log = "";
  for await (const chunk of server.stderr?.setEncoding("utf8").iterator({ destroyOnReturn: false }) ?? []) {
    log += String(chunk);
    if (log.includes("ready to serve client requests")) {
      server.stderr?.resume();
      return;
    }
  }
  throw new Error(`etcd ended before it was ready:\n${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return address.port;
}
