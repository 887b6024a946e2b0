// Data directories that real etcd servers wrote (conformance/fixtures/README.md): kvd starts on a copy
// and answers what etcd 2.3.8 answered when it was started on one. All lone members' directories are in
// packages/server/src/recorded-directories.test.ts; here are two of them, as processes, and the clusters.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { freePorts, nextHost } from "./harness/addresses.ts";
import { get, getJson, keys, put } from "./harness/keys.ts";
import { Member } from "./harness/member.ts";
import { outputOf } from "./harness/programs.ts";
import { until } from "./harness/until.ts";

// KV_FIXTURES names another folder of recordings.
const FIXTURES = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "..", "..", "..", "conformance", "fixtures"),
  "disk",
);
const REFERENCE = "2.3.8";

interface RecordedMember {
  readonly id: string;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
}

interface State {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly hidden?: Readonly<Record<string, { readonly body: unknown }>>;
  readonly members: readonly RecordedMember[];
}

interface Expected {
  readonly token?: string;
  readonly extraFlags?: readonly string[];
  readonly removedMember?: string;
  readonly beforeStop: State;
  readonly afterRestart: Readonly<Record<string, State>>;
  readonly users?: unknown;
  readonly roles?: unknown;
  readonly checks?: Readonly<Record<string, number>>;
}

test.each(["v238-snapshots", "v200-basic"])("%s: a lone member's data is all there", async (folder) => {
  await using fixture = await unpack(folder);
  const recorded = stateOf(fixture.expected);
  const [self] = recorded.members;
  if (self === undefined) throw new Error("no member recorded");
  const host = nextHost();
  const [client, peer] = await freePorts(host, 2);
  await using server = new Member({
    name: self.name,
    dir: fixture.dir,
    clientUrl: `http://${host}:${client}`,
    peerUrl: `http://${host}:${peer}`,
  });

  // What is advertised is published anew on each start, so it must be what it was.
  await server.start(["--advertise-client-urls", self.clientURLs.join(",")]);

  await expectState(server, recorded);
  const index = Number(recorded.headers["X-Etcd-Index"]);
  expect((await put(server.clientUrl, "/written-after", "x")).modifiedIndex).toBe(index + 1);
  await server.crash();
  await server.start(["--advertise-client-urls", self.clientURLs.join(",")]);
  expect((await get(server.clientUrl, "/written-after")).modifiedIndex).toBe(index + 1);
});

test("v238-auth: users have the passwords, roles and permissions that etcd gave them", async () => {
  await using fixture = await unpack("v238-auth");
  const recorded = stateOf(fixture.expected);
  const [self] = recorded.members;
  if (self === undefined) throw new Error("no member recorded");
  const host = nextHost();
  const [client, peer] = await freePorts(host, 2);
  await using server = new Member({
    name: self.name,
    dir: fixture.dir,
    clientUrl: `http://${host}:${client}`,
    peerUrl: `http://${host}:${peer}`,
  });
  await server.start(["--advertise-client-urls", self.clientURLs.join(",")]);
  const ask = async (path: string, credentials: string | null) => {
    const headers = credentials === null ? {} : { authorization: `Basic ${btoa(credentials)}` };
    const response = await fetch(`${server.clientUrl}/v2${path}`, { headers });
    return { status: response.status, body: await response.json() };
  };

  expect(await ask("/auth/enable", null)).toStrictEqual({ status: 200, body: { enabled: true } });
  const whole = await ask("/keys/?recursive=true&sorted=true", "root:rootpw");
  expect(whole.body).toStrictEqual(recorded.body);
  expect((await ask("/auth/users", "root:rootpw")).body).toStrictEqual(fixture.expected.users);
  expect((await ask("/auth/roles", "root:rootpw")).body).toStrictEqual(fixture.expected.roles);
  const statuses = {
    "alice GET /pub/a": (await ask("/keys/pub/a", "alice:alicepw")).status,
    "alice GET /priv/b": (await ask("/keys/priv/b", "alice:alicepw")).status,
    "guest GET /pub/a": (await ask("/keys/pub/a", null)).status,
    "wrong password": (await ask("/keys/pub/a", "alice:wrong")).status,
  };
  expect(statuses).toStrictEqual(fixture.expected.checks);
});

test.each(["v238-three-members", "v238-joined-by-snapshot", "v238-members"])(
  "%s: the members find each other at the addresses in their data",
  async (folder) => {
    await using fixture = await unpack(folder);
    const recorded = stateOf(fixture.expected);
    await using stack = new AsyncDisposableStack();
    const started = recorded.members.filter(({ name }) => name !== "");
    const members = started.map((member) =>
      stack.use(
        new DataMember({
          name: member.name,
          dir: fixture.dir,
          clientUrl: member.clientURLs.join(","),
          peerUrl: member.peerURLs[0] ?? "",
        }),
      ),
    );

    await Promise.all(members.map((member) => member.start(fixture.expected.extraFlags ?? [])));

    for (const member of members) await expectState(member, recorded);
    if (fixture.expected.removedMember !== undefined) await expectRemovedStops(fixture.dir);
  },
);

/** m1 of v238-members: its own data says that it was removed. */
async function expectRemovedStops(dir: string): Promise<void> {
  const host = nextHost();
  const [client, peer] = await freePorts(host, 2);
  await using removed = new DataMember({
    name: "m1",
    dir,
    clientUrl: `http://${host}:${client}`,
    peerUrl: `http://${host}:${peer}`,
  });

  expect(await removed.spawn().exit()).toStrictEqual({ code: 0, signal: null });
}

/** A member of a directory that holds several. */
class DataMember extends Member {
  override get dataDir(): string {
    return join(this.dir, "data", this.name);
  }
}

async function expectState(server: Member, recorded: State): Promise<void> {
  // Start-up itself writes: one entry per member and perhaps the cluster version.
  const index = Number(recorded.headers["X-Etcd-Index"]);
  const answer = await until("the writes of the start", async () => {
    const now = await keys("GET", server.clientUrl, "/?recursive=true&sorted=true");
    return now.etcdIndex >= index ? now : null;
  });

  expect(answer.etcdIndex).toBe(index);
  expect(withoutTtl(answer.body)).toStrictEqual(withoutTtl(recorded.body));
  for (const [key, { body }] of Object.entries(recorded.hidden ?? {})) {
    const hidden = await keys("GET", server.clientUrl, `${key}?recursive=true&sorted=true`);
    expect(withoutTtl(hidden.body)).toStrictEqual(withoutTtl(body));
  }
  const { members } = await getJson<{ members: readonly RecordedMember[] }>(`${server.clientUrl}/v2/members`);
  expect(members).toStrictEqual(recorded.members);
  const response = await fetch(`${server.clientUrl}/v2/keys/`);
  expect(response.headers.get("x-etcd-cluster-id")).toBe(recorded.headers["X-Etcd-Cluster-Id"]);
  await response.body?.cancel();
}

/** Everything but `ttl`, which depends on when it is asked. */
function withoutTtl(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), function (name, inner: unknown) {
    return name === "ttl" ? undefined : inner;
  });
}

function stateOf(expected: Expected): State {
  const state = expected.afterRestart[REFERENCE];
  if (state === undefined) throw new Error(`nothing recorded for ${REFERENCE}`);
  return state;
}

/** A copy of a fixture's directory as `data` in a new one; removed when disposed of. */
async function unpack(folder: string): Promise<{ dir: string; expected: Expected } & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), "kvd-data-"));
  await outputOf("tar", ["-xzf", join(FIXTURES, folder, "data.tar.gz"), "-C", dir]);
  const expected = JSON.parse(await readFile(join(FIXTURES, folder, "expected.json"), "utf8")) as Expected;
  return { dir, expected, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
