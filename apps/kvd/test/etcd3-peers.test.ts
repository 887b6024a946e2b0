// kvd in one cluster with live members of Debian's etcd 3.4, for v2 data: the way from there to kv and
// back. Limits: peer-protocol.md §16.

import process from "node:process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TestCluster } from "./harness/cluster.ts";
import { getJson, keys, put } from "./harness/keys.ts";
import { addMember, memberIds, removeMember } from "./harness/members.ts";
import { initialCluster, newMember } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { isInstalled } from "./harness/programs.ts";
import { serverCommand } from "./harness/server-process.ts";
import type { Command } from "./harness/server-process.ts";
import { until } from "./harness/until.ts";

const hasEtcd = isInstalled("etcd", ["--version"]);
/** A minute of elections of both kinds: `pnpm --filter kvd run test:etcd3`, and the gate. */
const isFull = process.env["KV_ETCD3"] === "full";
const ETCD: Command = ["etcd", "--enable-v2=true", "--strict-reconfig-check=false"];
/** Both keep 5,000 entries behind a snapshot: after this many an empty member needs the snapshot. */
const COMPACTING_WRITES = 5_300;
/** Thousands of synced writes through two programs, on a machine that may be busy. */
const TIMEOUT_MS = 180_000;
const SOON_COMPACTED = ["--snapshot-count=100"];

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

async function newEtcd(name: string): Promise<Member> {
  return stack.use(await newMember(name, ETCD));
}

async function newKvd(name: string): Promise<Member> {
  return stack.use(await newMember(name, serverCommand()));
}

/** Adds `member` by the members API of the first of `others`, and starts it. */
async function joinCluster(
  member: Member,
  others: readonly Member[],
  extraFlags: readonly string[] = [],
): Promise<void> {
  const [asked] = others;
  if (asked === undefined) throw new Error("nobody to join");
  await until("the addition", async () => {
    await addMember(asked.clientUrl, member.peerUrl);
    return true;
  });
  const flags = [...initialCluster([...others, member]), "--initial-cluster-state=existing", ...extraFlags];
  await member.start(member.name.startsWith("k") ? [...flags, "--etcd3-peers"] : flags);
}

async function removeByName(asked: Member, removed: Member): Promise<void> {
  const ids = await memberIds(asked.clientUrl);
  await removeMember(asked.clientUrl, ids.get(removed.name) ?? "");
  expect(await removed.process.exit()).toStrictEqual({ code: 0, signal: null });
}

/** Writes through every one, and waits until all hold the same tree at the same index. */
async function expectOneTree(members: readonly Member[]): Promise<void> {
  for (const { name, clientUrl } of members) {
    await until(`a write through ${name}`, () => put(clientUrl, `/by/${name}`, `${performance.now()}`));
  }
  await until("equal trees", async () => {
    const answers = await Promise.all(
      members.map(({ clientUrl }) => keys("GET", clientUrl, "/?recursive=true&sorted=true")),
    );
    const [first, ...others] = answers.map(({ body, etcdIndex }) => JSON.stringify([body, etcdIndex]));
    return others.every((other) => other === first) ? true : null;
  });
}

/** Snapshots that a member holds; one that takes none itself has received them. */
async function snapshotsOf(member: Member): Promise<number> {
  const names = await readdir(join(member.dataDir, "member", "snap"));
  return names.filter((name) => name.endsWith(".snap")).length;
}

async function clusterVersion(member: Member): Promise<string> {
  return (await getJson<{ etcdcluster: string }>(`${member.clientUrl}/version`)).etcdcluster;
}

/** Many keys, by many requests at a time. */
async function fill(baseUrl: string): Promise<void> {
  const WRITERS = 32;
  const each = COMPACTING_WRITES / WRITERS;
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; i < each; i++) await put(baseUrl, `/fill/${writer}`, `${i}`);
    }),
  );
}

describe.runIf(hasEtcd && isFull)("beside members of etcd 3.4", { timeout: TIMEOUT_MS }, () => {
  test("kvd joins a compacted log by a snapshot, follows, leads, and is replaced back", async () => {
    const [m1, m2, m3, k1] = [
      await newEtcd("m1"),
      await newEtcd("m2"),
      await newEtcd("m3"),
      await newKvd("k1"),
    ];
    await Promise.all(
      [m1, m2].map((member) => member.start([...initialCluster([m1, m2]), ...SOON_COMPACTED])),
    );
    await fill(m1.clientUrl);

    await joinCluster(k1, [m1, m2]);
    const all = new TestCluster([m1, m2, k1]);
    expect(await snapshotsOf(k1)).toBeGreaterThan(0);
    await expectOneTree(all.members);
    expect((await all.leader()).name).toMatch(/^m/);

    // A leader of 3.4 that is stopped hands over to who is there, and that is kvd alone.
    await m1.crash();
    await until("a leader", async () => ((await all.leader([m2, k1])) === m1 ? null : true));
    if ((await all.leader([k1])) === m2) {
      await m2.process.kill("SIGTERM");
      await until("kvd to lead", async () => ((await all.leader([k1])) === k1 ? true : null));
      // Alone it may step down again before the others are there: who leads then is open.
      await m1.start();
      await m2.start();
      await expectOneTree(all.members);
    } else {
      await m1.start();
      await expectOneTree(all.members);
      expect((await all.leader([m1])).name).toBe("k1");
    }

    await removeByName(m1, k1);
    await joinCluster(m3, [m1, m2]);
    await expectOneTree([m1, m2, m3]);
    expect((await keys("GET", m3.clientUrl, "/by/k1")).status).toBe(200);
  });

  test("a cluster of etcd becomes one of kvd, member by member", async () => {
    const [m1, k1, k2, k3] = [
      await newEtcd("m1"),
      await newKvd("k1"),
      await newKvd("k2"),
      await newKvd("k3"),
    ];
    await m1.start([...initialCluster([m1]), ...SOON_COMPACTED]);
    await put(m1.clientUrl, "/first", "1");

    await joinCluster(k1, [m1], SOON_COMPACTED);
    await joinCluster(k2, [m1, k1], SOON_COMPACTED);
    await expectOneTree([m1, k1, k2]);
    await fill(k1.clientUrl);
    await removeByName(k1, m1);
    await joinCluster(k3, [k1, k2]); // a snapshot of kvd for kvd

    await expectOneTree([k1, k2, k3]);
    expect((await keys("GET", k3.clientUrl, "/by/m1")).status).toBe(200);
    expect(await snapshotsOf(k3)).toBeGreaterThan(0);
    expect(await clusterVersion(k3)).toBe("3.4.0");

    const kvds = [k1, k2, k3];
    await Promise.all(kvds.map((member) => member.process.kill("SIGTERM")));
    await Promise.all(kvds.map((member) => member.start(["--take-over-v3-data"])));
    await expectOneTree(kvds);
    expect((await keys("GET", k3.clientUrl, "/by/m1")).status).toBe(200);
    await until("a version of kv's own", async () => ((await clusterVersion(k3)) === "2.3.0" ? true : null));
  });

  test("a member of etcd that needs a snapshot of kvd gets none, and kvd says why", async () => {
    const [k1, k2, m1] = [await newKvd("k1"), await newKvd("k2"), await newEtcd("m1")];
    const flags = ["--etcd3-peers", ...SOON_COMPACTED];
    await Promise.all([k1, k2].map((member) => member.start([...initialCluster([k1, k2]), ...flags])));
    await fill(k1.clientUrl);
    const leader = await new TestCluster([k1, k2]).leader();

    await addMember(k1.clientUrl, m1.peerUrl);
    m1.spawn([...initialCluster([k1, k2, m1]), "--initial-cluster-state=existing"]);

    await leader.process.logged(/a member of etcd 3 needs a snapshot and gets none/);
    expect((await put(k1.clientUrl, "/goes-on", "x")).value).toBe("x");
  });

  test("without the flag kvd joins no cluster of etcd 3", async () => {
    const [m1, k1] = [await newEtcd("m1"), await newKvd("k1")];
    await m1.start(initialCluster([m1]));
    await addMember(m1.clientUrl, k1.peerUrl);

    const { code } = await k1.spawn([...initialCluster([m1, k1]), "--initial-cluster-state=existing"]).exit();

    expect(k1.process.log).toContain("incomptible with current running cluster");
    expect(code).toBe(1);
  });
});
