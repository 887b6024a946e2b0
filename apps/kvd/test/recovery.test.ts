// Getting data back: backups, a majority that is lost for good, and directories that go between kvd and
// etcd. docs/operations.md describes the procedures that are carried out here.

import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { get, getJson, keys, put } from "./harness/keys.ts";
import { addMember, memberIds, updatePeerUrl } from "./harness/members.ts";
import { initialCluster, Member, newMember, startSingle } from "./harness/member.ts";
import { isInstalled, outputOf } from "./harness/programs.ts";
import type { Node } from "./harness/keys.ts";
import { until } from "./harness/until.ts";
import { WriteLoad } from "./harness/write-load.ts";

const KVCTL = join(import.meta.dirname, "..", "..", "kvctl", "dist", "main.js");
const FORCE = "--force-new-cluster";

/** Keys and values with their indexes below `path`. */
async function tree(baseUrl: string, path: string): Promise<readonly Node[]> {
  const { body } = await keys("GET", baseUrl, `${path}?recursive=true&sorted=true&quorum=true`);
  return body.node?.nodes ?? [];
}

/** What was acknowledged before the copy was begun is in the restored member, and it becomes a cluster again. */
async function expectRestored(
  restored: Member,
  acknowledged: ReadonlyMap<string, Node>,
  extraFlags: readonly string[] = [],
): Promise<void> {
  const flags = [...initialCluster([restored]), ...extraFlags];
  await restored.start([...flags, FORCE]);
  const found = new Map((await tree(restored.clientUrl, "/load")).map((node) => [node.key, node]));
  expect(
    [...acknowledged].filter(([key, node]) => found.get(key)?.modifiedIndex !== node.modifiedIndex),
  ).toEqual([]);

  await restored.process.kill("SIGTERM");
  await restored.start(flags);
  const [id = ""] = (await memberIds(restored.clientUrl)).values();
  await updatePeerUrl(restored.clientUrl, id, restored.peerUrl);
  await using second = await newMember("second");
  await addMember(restored.clientUrl, second.peerUrl);
  await second.start([...initialCluster([restored, second]), "--initial-cluster-state", "existing"]);

  const after = await put(second.clientUrl, "/after", "restored");
  expect(await until("the write", () => get(restored.clientUrl, "/after"))).toStrictEqual(after);
  expect(await tree(second.clientUrl, "/load")).toStrictEqual(await tree(restored.clientUrl, "/load"));
}

test("a backup of a member under load is restored with all that was acknowledged before it", async () => {
  await using server = await startSingle(["--snapshot-count", "100"]);
  await using restored = await newMember("restored");
  const load = new WriteLoad([server.clientUrl], 4);
  await load.more(250);
  const acknowledged = new Map(load.acknowledged);

  const words = ["backup", "--data-dir", server.dataDir, "--backup-dir", restored.dataDir];
  expect(await outputOf(process.execPath, [KVCTL, ...words])).toBe("");
  await load.stop();
  await server.crash();

  await expectRestored(restored, acknowledged);
});

test.runIf(isInstalled("etcdctl", ["version"]))("etcdctl makes a backup of kvd's directory", async () => {
  await using server = await startSingle(["--snapshot-count", "100"]);
  await using restored = await newMember("restored");
  const load = new WriteLoad([server.clientUrl], 4);
  await load.more(250);
  await load.stop();
  await server.process.kill("SIGTERM");

  const words = ["backup", "--data-dir", server.dataDir, "--backup-dir", restored.dataDir];
  await outputOf("etcdctl", words, { ETCDCTL_API: "2" });

  // The etcdctl of 3.4 always adds an empty v3 database to the copy.
  await expectRestored(restored, load.acknowledged, ["--take-over-v3-data"]);
});

test("the last member of a lost majority goes on alone and is joined by new ones", async () => {
  await using cluster = await startCluster(3);
  const leader = await cluster.leader();
  const written = await put(leader.clientUrl, "/before", "the loss");
  const [survivor, other] = cluster.others(leader);
  if (survivor === undefined || other === undefined) throw new Error("no followers");
  await until("the write to arrive", () => get(survivor.clientUrl, "/before"));
  await Promise.all([leader.crash(), other.crash()]);
  await expect(put(survivor.clientUrl, "/refused", "x", { timeoutMs: 1_000 })).rejects.toThrow();
  await survivor.process.kill("SIGTERM");

  await survivor.start([FORCE]);

  expect(await get(survivor.clientUrl, "/before")).toStrictEqual(written);
  expect([...(await memberIds(survivor.clientUrl)).keys()]).toEqual([survivor.name]);
  await survivor.process.kill("SIGTERM");
  await survivor.start();
  await using added = await newMember("added");
  await addMember(survivor.clientUrl, added.peerUrl);
  await added.start([...initialCluster([survivor, added]), "--initial-cluster-state", "existing"]);
  const after = await put(added.clientUrl, "/after", "the loss");
  expect(await until("the write", () => get(survivor.clientUrl, "/after"))).toStrictEqual(after);
});

test.runIf(isInstalled("etcd", ["--version"]))(
  "etcd 3.4 starts on a directory of kvd that has no snapshots, and kvd takes it back on request",
  async () => {
    await using server = await startSingle();
    const written = await put(server.clientUrl, "/from-kvd", "1");
    await server.process.kill("SIGTERM");

    await using etcd = new Member({
      name: server.name,
      dir: server.dir,
      clientUrl: server.clientUrl,
      peerUrl: server.peerUrl,
      command: ["etcd", "--enable-v2=true"],
    });
    await etcd.start();
    expect(await get(etcd.clientUrl, "/from-kvd")).toStrictEqual(written);
    const byEtcd = await put(etcd.clientUrl, "/from-etcd", "2");
    await etcd.process.kill("SIGTERM");

    const refused = server.spawn();
    expect(await refused.exit()).toStrictEqual({ code: 1, signal: null });
    expect(refused.log).toContain(" C | etcdmain: experimental-v3demo cannot be disabled once it is enabled");
    await server.start(["--take-over-v3-data"]);
    expect(await get(server.clientUrl, "/from-kvd")).toStrictEqual(written);
    expect(await get(server.clientUrl, "/from-etcd")).toStrictEqual(byEtcd);
    await until("a cluster version of our own", async () => {
      const { etcdcluster } = await getJson<{ etcdcluster: string }>(`${server.clientUrl}/version`);
      return etcdcluster === "2.3.0" ? true : null;
    });
  },
);
