// Every recorded data directory of a lone member (conformance/fixtures/README.md): this server starts on a
// copy and holds what etcd held when it was started on one, or is refused as etcd was. KV_FIXTURES names
// another folder of recordings. Those of several members are in apps/kvd/test/foreign-data.test.ts.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerConfig } from "./config.ts";
import { clientHandler } from "./http/client-handler.ts";
import { bodyOf, fakeRequest, headerOf } from "./http/testing/fake-request.ts";
import { silentLogger } from "./http/testing/silent-logger.ts";
import { createServer } from "./server.ts";
import {
  loneConfig,
  ManualClock,
  rememberingLogger,
  startLone,
  temporaryDirectory,
  turnUntil,
  type TestMember,
} from "./server.test.support.ts";

const FIXTURES = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "../../../conformance/fixtures"),
  "disk",
);

/** 2.3.8 gives up on zeros behind the last frame; here they are a write that did not arrive (@kv/wal, README). */
const STARTS_HERE: Readonly<Record<string, string>> = { "v238-zero-tail": "v238-basic" };

/** Whoever asks has all rights, once authentication is enabled in the data. */
const ROOT = { authorization: `Basic ${Buffer.from("root:rootpw").toString("base64")}` };
// Some logs are 64 MB; a busy machine takes its time to unpack them.
const LARGE_LOG = { timeout: 60_000 };
const DAY_MS = 86_400_000;
const HEARTBEATS_OF_TWO_VERSION_CHECKS = 100;

interface RecordedMember {
  readonly id: string;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
}

interface State {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly hidden?: Readonly<Record<string, { readonly status: number; readonly body: unknown }>>;
  readonly members: readonly RecordedMember[];
}

interface Expected {
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly starts?: boolean;
  readonly log?: readonly string[];
  readonly filesAfter?: readonly string[];
  readonly beforeStop?: State;
  readonly afterRestart?: Readonly<Record<string, State>>;
  readonly proxyClusterFile?: unknown;
}

/** Later than everything in the recordings but the keys that are to outlive them. */
class LateClock extends ManualClock {
  override unixMs(): number {
    return super.unixMs() + 365 * DAY_MS;
  }
}

const folders = readdirSync(FIXTURES).map((folder) => ({ folder, expected: expectedOf(folder) }));
const lone = folders.filter(({ folder, expected }) => isLone(folder, expected));
const started = lone.filter(({ folder, expected }) => expected.starts !== false || folder in STARTS_HERE);
const refused = lone.filter(({ folder, expected }) => expected.starts === false && !(folder in STARTS_HERE));

test("the recordings are there, and each is of one kind", () => {
  expect(started.length + refused.length).toBe(lone.length);
  expect(lone.length).toBeGreaterThan(0);
});

describe.each(started)("$folder", ({ folder, expected }) => {
  const { reference, state } = stateOf(expectedOf(STARTS_HERE[folder] ?? folder));
  const [self] = state.members;
  let directory: AsyncDisposable & { readonly path: string };
  let config: ServerConfig;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    unpack(folder, directory.path);
    config = configFor(join(directory.path, "data"), self, expected);
  }, LARGE_LOG.timeout);
  afterAll(() => directory[Symbol.asyncDispose]());

  if (folder.startsWith("v3423")) {
    test("without a word about its v3 data it is not started", LARGE_LOG, async () => {
      const before = digestOf(config.dataDir);

      const start = createServer(loneConfig(config.dataDir), {
        logger: rememberingLogger([]),
        clock: new ManualClock(),
      });

      await expect(start).rejects.toMatchObject({ name: "StartError", code: "E_V3_DATA" });
      await expect(start).rejects.toThrow(
        /^experimental-v3demo cannot be disabled once it is enabled: .*--take-over-v3-data/,
      );
      expect(digestOf(config.dataDir)).toBe(before);
    });
  }

  test("what etcd held is held here, and again after another start", LARGE_LOG, async () => {
    const database = v3DatabaseOf(config.dataDir);
    // Start-up publishes the member; data of another release also gets the cluster version of this one.
    const index = Number(state.headers["X-Etcd-Index"]) + (reference.startsWith("2.3.") ? 0 : 1);
    const server = await startLone(config, new LateClock());
    try {
      await turnUntil(server, () => server.server.etcdIndex >= index);
      for (let i = 0; i < HEARTBEATS_OF_TWO_VERSION_CHECKS; i++) server.clock.advance(config.heartbeatMs);
      await server.disk.idle();

      expect(server.server.etcdIndex).toBe(index);
      await expectState(server, state);
      expect(v3DatabaseOf(config.dataDir)).toBe(database);
      const files = await readdir(config.dataDir, { recursive: true });
      expect(files).toEqual(expect.arrayContaining(putAside(expected)));
    } finally {
      await server.server.close();
    }

    // Forced once; it is alone now.
    const again = await startLone({ ...config, forceNewCluster: false }, new LateClock());
    try {
      await turnUntil(again, () => again.server.etcdIndex > index);
      expect(again.server.etcdIndex).toBe(index + 1);
      await expectState(again, state);
    } finally {
      await again.server.close();
    }
  });
});

test.each(refused)("$folder is refused, and nothing in it is changed", async ({ folder, expected }) => {
  await using directory = await temporaryDirectory();
  unpack(folder, directory.path);
  const dataDir = join(directory.path, "data");
  const before = digestOf(dataDir);

  const start = createServer(loneConfig(dataDir), {
    logger: rememberingLogger([]),
    clock: new ManualClock(),
  });

  await expect(start).rejects.toMatchObject({ name: "StartError", code: "E_LOG" });
  // The words in parentheses are more precise here.
  const [beginning = ""] = /read wal error/.exec(expected.log?.join("\n") ?? "") ?? [];
  await expect(start).rejects.toThrow(
    new RegExp(`^${beginning} \\(.* \\(${damageOf(folder)}\\)\\) and cannot be repaired$`),
  );
  expect(digestOf(dataDir)).toBe(before);
});

/** Where the damage begins, as the dump of the log tells it. */
function damageOf(folder: string): string {
  const dump = readFileSync(join(FIXTURES, folder, "wal-dump.json"), "utf8");
  const offset = /"offset":(\d+)[^{}]*"crcOK":false/.exec(dump)?.[1];
  const segment = /[0-9a-f]{16}-[0-9a-f]{16}\.wal/.exec(dump)?.[0];
  if (offset === undefined || segment === undefined) throw new Error(`the dump of ${folder} shows no damage`);
  return `${segment} at offset ${offset}`;
}

const MEMBERS = "v238-members";
const FORCED = "v238-members-force-new";
const hasForced = folders.filter(({ folder }) => folder === FORCED);

test.each(hasForced)("the member that $folder was made of is forced alone in the same way", async () => {
  await using directory = await temporaryDirectory();
  unpack(MEMBERS, directory.path);
  const state = expectedOf(FORCED).beforeStop;
  if (state === undefined) throw new Error("nothing recorded");
  const dataDir = join(directory.path, "data", "m2");
  const config = { ...configFor(dataDir, state.members[0], {}), forceNewCluster: true };
  const index = Number(state.headers["X-Etcd-Index"]);

  const forced = await startLone(config);
  try {
    await turnUntil(forced, () => forced.server.etcdIndex >= index);

    expect(forced.server.etcdIndex).toBe(index);
    await expectState(forced, state);
  } finally {
    await forced.server.close();
  }
});

async function expectState(member: TestMember, state: State): Promise<void> {
  const { server, clock } = member;
  const handler = clientHandler(server, { now: () => clock.unixNanos(), logger: silentLogger });
  const answer = async (path: string) => handler(fakeRequest("GET", path, { headers: ROOT }));
  const json = async (path: string): Promise<unknown> => JSON.parse(await bodyOf(await answer(path)));

  const keys = await answer("/v2/keys/?recursive=true&sorted=true");
  expect(headerOf(keys, "X-Etcd-Cluster-Id")).toBe(state.headers["X-Etcd-Cluster-Id"]);
  expect(comparable(JSON.parse(await bodyOf(keys)))).toStrictEqual(comparable(state.body));
  for (const [key, { status, body }] of Object.entries(state.hidden ?? {})) {
    const hidden = await answer(`/v2/keys${key}?recursive=true&sorted=true`);
    expect(hidden.status).toBe(status);
    expect(comparable(JSON.parse(await bodyOf(hidden)))).toStrictEqual(comparable(body));
  }
  expect(await json("/v2/members")).toStrictEqual({ members: state.members });
}

/** Everything but `ttl`, which depends on when it is asked, and the index in errors. */
function comparable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), function (name, inner: unknown) {
    return name === "ttl" || name === "index" ? undefined : inner;
  });
}

/** The damaged files that etcd renamed. */
function putAside(expected: Expected): string[] {
  const files = (expected.filesAfter ?? []).map((line) => line.split(" ")[0] ?? "");
  return files.filter((file) => file.endsWith(".broken"));
}

function configFor(dataDir: string, self: RecordedMember | undefined, expected: Expected): ServerConfig {
  if (self === undefined) throw new Error("no member recorded");
  return loneConfig(dataDir, {
    name: self.name,
    // What is advertised is published anew on each start, so it must be what it was.
    advertiseClientUrls: self.clientURLs,
    forceNewCluster: expected.flags?.includes("--force-new-cluster") ?? false,
    etcd3Peers: false,
    takeOverV3Data: v3DatabaseOf(dataDir) !== null,
  });
}

/** What 2.3.8 answered where it was tried, else the newest that was. */
function stateOf(expected: Expected): { readonly reference: string; readonly state: State } {
  const [reference, state] =
    Object.entries(expected.afterRestart ?? {}).findLast(
      ([version], _i, all) => version === "2.3.8" || all.every(([other]) => other !== "2.3.8"),
    ) ?? [];
  if (reference === undefined || state === undefined) throw new Error("nothing recorded");
  return { reference, state };
}

function isLone(folder: string, expected: Expected): boolean {
  if (expected.proxyClusterFile !== undefined) return false;
  return globSync(join(FIXTURES, folder, "wal-dump.json")).length === 1 || expected.name !== undefined;
}

function expectedOf(folder: string): Expected {
  const expected: Expected = JSON.parse(readFileSync(join(FIXTURES, folder, "expected.json"), "utf8"));
  return expected;
}

function unpack(folder: string, directory: string): void {
  execFileSync("tar", ["xzf", join(FIXTURES, folder, "data.tar.gz"), "-C", directory]);
}

/** The bytes of the v3 database, or null when there is none. */
function v3DatabaseOf(dataDir: string): string | null {
  const file = join(dataDir, "member", "snap", "db");
  return existsSync(file) ? createHash("sha1").update(readFileSync(file)).digest("hex") : null;
}

/** Names and contents of all files. */
function digestOf(directory: string): string {
  const hash = createHash("sha1");
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    hash.update(file).update(readFileSync(file));
  }
  return hash.digest("hex");
}
