// The recorded conversations with etcd 2.3.8 (conformance/CASES-README.md), replayed against kvd: all
// that need no server of their own against one member, again through a follower of three, and again
// through the two that are left when the leader has just been killed.
// `pnpm --filter kvd run test:conformance` adds the slow ones and those that need a fresh server.

import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replay } from "../../../conformance/replay.mjs";
import { startCluster } from "./harness/cluster.ts";
import type { TestCluster } from "./harness/cluster.ts";
import { getJson, keys, put } from "./harness/keys.ts";
import { startSingle } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { until } from "./harness/until.ts";

const CASES = join(import.meta.dirname, "..", "..", "..", "conformance", "cases");
const isFull = process.env["KV_CONFORMANCE"] === "full";

/** Themes whose cases speak about the keys alone, and so hold through any member. */
const KEY_THEMES = [
  "keys-cad",
  "keys-cas",
  "keys-create",
  "keys-delete",
  "keys-dir",
  "keys-get",
  "keys-head",
  "keys-hidden",
  "keys-params",
  "keys-path",
  "keys-post",
  "keys-quorum",
  "keys-set",
  "keys-update",
  "refresh",
  "ttl",
  "watch",
  "watch-history",
  "watch-stream",
] as const;

/** Themes about a member as a whole: HTTP itself, membership, statistics. */
const SERVER_THEMES = ["cors", "encoding", "http", "members", "misc", "stats"] as const;

/** Themes whose every case needs a server of its own. In memory they run with each test of @kv/server. */
const FRESH_THEMES = isFull ? (["auth"] as const) : [];

/**
 * Cases that kvd does not pass, by theme. They must fail: a gap that was closed has to leave this list.
 */
const GAPS: Readonly<Record<string, readonly string[]>> = {};

const THEME_TIMEOUT_MS = 300_000;

describe("one member", () => {
  let server: Member;
  beforeAll(async () => {
    server = await startSingle();
    await versionDecided(server);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each([...KEY_THEMES, ...SERVER_THEMES, ...FRESH_THEMES])(
    "%s",
    { timeout: THEME_TIMEOUT_MS },
    async (theme) => {
      await expectConformance(theme, server);
    },
  );
});

describe("a follower of three", () => {
  let cluster: TestCluster;
  let follower: Member;
  beforeAll(async () => {
    cluster = await startCluster(3);
    const [first] = cluster.others(await cluster.leader());
    if (first === undefined) throw new Error("no follower");
    follower = first;
    await versionDecided(follower);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test.each(KEY_THEMES)("%s", { timeout: THEME_TIMEOUT_MS }, async (theme) => {
    await expectConformance(theme, follower);
  });
});

describe("two of three, the leader just killed", () => {
  let cluster: TestCluster;
  let survivors: readonly Member[];
  beforeAll(async () => {
    cluster = await startCluster(3);
    const leader = await cluster.leader();
    survivors = cluster.others(leader);
    for (const survivor of survivors) await versionDecided(survivor);
    await leader.crash();
    // What was on its way to the old leader is lost; the recordings begin with the first write that is not.
    for (const { clientUrl } of survivors) {
      await until("a write without it", () => put(clientUrl, "/after", "crash", { timeoutMs: 500 }));
    }
    await keys("DELETE", survivors[0]?.clientUrl ?? "", "/after");
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test.each(KEY_THEMES)("%s", { timeout: THEME_TIMEOUT_MS }, async (theme) => {
    for (const survivor of survivors) await expectConformance(theme, survivor);
  });
});

async function expectConformance(theme: string, server: Member): Promise<void> {
  const { results, passed } = await replay({
    baseUrl: server.clientUrl,
    files: [join(CASES, `${theme}.jsonl`)],
    skipQuirks: true,
    skipSlow: !isFull,
    ...(isFull ? { freshServer } : {}),
  });

  const gaps = GAPS[theme] ?? [];
  const failures = results.filter(({ errors }) => errors.length > 0);
  const unexpected = failures.filter((failure) => !gaps.includes(failure.case.name));
  expect(unexpected.map(({ case: { name }, errors }) => ({ name, errors }))).toStrictEqual([]);
  expect(failures.map((failure) => failure.case.name)).toStrictEqual(gaps);
  expect(passed).toBeGreaterThan(0);
}

/** The recordings begin when the cluster has decided on its version: that too is a write. */
async function versionDecided(server: Member): Promise<void> {
  await until("the cluster version", async () => {
    const { etcdcluster } = await getJson<{ etcdcluster: string }>(`${server.clientUrl}/version`);
    return etcdcluster === "not_decided" ? null : etcdcluster;
  });
  await keys("DELETE", server.clientUrl, "/none");
}

async function freshServer(recorded: { readonly serverArgs?: readonly string[] }) {
  const server = await startSingle(recorded.serverArgs);
  await versionDecided(server);
  return { baseUrl: server.clientUrl, stop: () => server[Symbol.asyncDispose]() };
}
