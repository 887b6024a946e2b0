// Three members: any of them takes writes, a lost leader is replaced, and who was away catches up,
// by a snapshot if need be.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { get, keys, put, request } from "./harness/keys.ts";
import { until } from "./harness/until.ts";

/** The log keeps this many entries before a snapshot (cluster.md §14); who lags further needs the snapshot. */
const CATCH_UP_ENTRIES = 5_000;

/**
 * How soon a new leader must answer: the election timeout (at most 2 s), and a second for the rest. Two
 * that stand for election in the same instant split the votes (raft §5.2); the next round has as long again.
 */
const FAILOVER_MS = 3_000;
const ROUNDS_MAX = 3;

async function raftTerm(baseUrl: string): Promise<number> {
  return Number((await request("GET", `${baseUrl}/v2/keys/before`)).headers.get("x-raft-term"));
}

test("a write through any member is seen by a quorum read of every member", async () => {
  await using cluster = await startCluster(3);

  for (const writer of cluster.members) {
    const written = await put(writer.clientUrl, `/by/${writer.name}`, writer.name);
    for (const reader of cluster.members) {
      const { body } = await keys("GET", reader.clientUrl, `/by/${writer.name}?quorum=true`);
      expect(body.node).toStrictEqual(written);
    }
  }
});

test("when the leader is killed another one takes writes soon, and the old one comes back as a follower", async () => {
  await using cluster = await startCluster(3);
  const old = await cluster.leader();
  const survivors = cluster.others(old);
  const [first, second] = survivors;
  if (first === undefined || second === undefined) throw new Error("no survivors");
  await put(old.clientUrl, "/before", "crash");
  const termBefore = await raftTerm(old.clientUrl);

  await old.crash();
  const crashedAt = performance.now();
  const written = await until(
    "a write after the crash",
    () => put(first.clientUrl, "/after", "crash", { timeoutMs: 500 }),
    { timeoutMs: ROUNDS_MAX * FAILOVER_MS },
  );

  const elapsedMs = performance.now() - crashedAt;
  const rounds = (await raftTerm(first.clientUrl)) - termBefore;
  expect(rounds).toBeGreaterThan(0);
  expect(elapsedMs).toBeLessThan(rounds * FAILOVER_MS);
  expect((await keys("GET", second.clientUrl, "/after?quorum=true")).body.node?.value).toBe("crash");
  await old.start();
  await until("the old leader to catch up", async () => {
    const node = await get(old.clientUrl, "/after");
    return node.modifiedIndex >= written.modifiedIndex ? node : null;
  });
  expect((await cluster.leader()).name).not.toBe(old.name);
  expect((await put(old.clientUrl, "/through-follower", "x")).value).toBe("x");
});

test("a member that was away for longer than the log reaches back is brought up by a snapshot", async () => {
  // The lagging member takes no snapshots of its own, so a snapshot file in its directory came from the leader.
  await using cluster = await startCluster(3, {
    flagsOf: (name) => ["--snapshot-count", name === "m3" ? "1000000" : "100"],
  });
  const [writer, , away] = cluster.members;
  if (writer === undefined || away === undefined) throw new Error("not three members");
  await put(writer.clientUrl, "/first", "0");

  await away.crash();
  await until("a write without it", () => put(writer.clientUrl, "/second", "0", { timeoutMs: 500 }));
  await writeMany(writer.clientUrl, CATCH_UP_ENTRIES + 500);
  const last = await put(writer.clientUrl, "/last", "1");
  await away.start(["--snapshot-count", "1000000"]);

  await until("the last write to arrive", async () => {
    const { body } = await keys("GET", away.clientUrl, "/last");
    return body.node?.modifiedIndex === last.modifiedIndex ? true : null;
  });
  expect((await get(away.clientUrl, "/first")).value).toBe("0");
  expect((await get(away.clientUrl, "/many/17")).value).not.toBe("");
  const snapshots = (await readdir(join(away.dataDir, "member", "snap"))).filter((name) =>
    name.endsWith(".snap"),
  );
  expect(snapshots).not.toStrictEqual([]);
  expect((await put(away.clientUrl, "/through-it", "x")).value).toBe("x");
});

async function writeMany(baseUrl: string, count: number): Promise<void> {
  let next = 0;
  const writer = async () => {
    while (next < count) {
      const n = next++;
      await put(baseUrl, `/many/${n % 100}`, `value ${n}`);
    }
  };
  await Promise.all(Array.from({ length: 32 }, writer));
}
