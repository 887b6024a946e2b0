// Members that find each other through a discovery token, and proxies: those that come too late and
// those that were told to be one. Spec: cluster.md §7, §13.

import { mkdtempSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memberId } from "@kv/server";
import { NameServer } from "../src/name-server.test.support.ts";
import { freePorts, nextHost } from "./harness/addresses.ts";
import { makeAuthority, makeCertificate } from "./harness/certificates.ts";
import { get, getJson, keys, put, request } from "./harness/keys.ts";
import { initialCluster, Member, newMember, startSingle } from "./harness/member.ts";
import { addMember } from "./harness/members.ts";
import { isInstalled, outputOf } from "./harness/programs.ts";
import { ServerProcess } from "./harness/server-process.ts";
import { until } from "./harness/until.ts";

const FIXTURE = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "../../../conformance/fixtures"),
  "disk/v238-proxy-dir/data.tar.gz",
);
const PROXY_SERVES = /etcdmain: proxy: listening for client requests on /;

let service: Member;
beforeAll(async () => {
  service = await startSingle();
});
afterAll(() => service[Symbol.asyncDispose]());

/** A token for `size` members on the service. */
async function newToken(name: string, size: string, at: Member = service): Promise<string> {
  await put(at.clientUrl, `/discovery/${name}/_config/size`, size);
  return `${at.clientUrl}/v2/keys/discovery/${name}`;
}

interface Members {
  readonly members: readonly { readonly id: string; readonly name: string }[];
}

test("three members find each other; a fourth becomes their proxy and outlives one of them", async () => {
  const token = await newToken("three", "3");
  await using stack = new AsyncDisposableStack();
  const members: Member[] = [];
  for (const name of ["a", "b", "c"]) members.push(stack.use(await newMember(name)));
  await Promise.all(members.map((member) => member.start(["--discovery", token])));
  const [first] = members;
  if (first === undefined) throw new Error("there are three");

  const known = await getJson<Members>(`${first.clientUrl}/v2/members`);
  expect(new Set(known.members.map(({ id }) => id))).toStrictEqual(
    new Set(members.map(({ peerUrl }) => memberId([peerUrl], token, null))),
  );

  const proxy = stack.use(await newMember("late"));
  const running = proxy.spawn(["--discovery", token, "--proxy-refresh-interval", "1000"]);
  await running.logged(PROXY_SERVES);
  expect(running.log).toContain("N | etcdmain: discovery cluster full, falling back to proxy");
  expect(running.log).toMatch(/ I \| proxy: endpoints found \["http:.*" "http:.*" "http:.*"\]\n/);
  expect(JSON.parse(await readFile(join(proxy.dataDir, "proxy", "cluster"), "utf8"))).toStrictEqual({
    PeerURLs: members.map(({ peerUrl }) => peerUrl).toSorted(),
  });

  const { modifiedIndex } = await put(proxy.clientUrl, "/through", "proxy");
  const watched = keys("GET", proxy.clientUrl, `/through?wait=true&waitIndex=${modifiedIndex + 1}`);
  await put(first.clientUrl, "/through", "member");
  expect((await watched).body.node?.value).toBe("member");

  await first.crash();
  for (const n of [1, 2, 3, 4, 5, 6]) {
    // A write that was on its way to the dead member is not repeated by the proxy: here nothing was sent.
    await until("a write after the loss", () => put(proxy.clientUrl, "/after", String(n)));
    expect((await get(proxy.clientUrl, "/after?quorum=true")).value).toBe(String(n));
  }

  expect(await running.kill("SIGTERM")).toStrictEqual({ code: null, signal: "SIGTERM" });
  const again = proxy.spawn(["--discovery", token]);
  await again.logged(PROXY_SERVES);
  expect(again.log).toContain("the server is already initialized as proxy before, starting as etcd proxy...");
  expect(again.log).toMatch(/ W \| etcdmain: discovery token ignored since the proxy has already been init/);
});

test("two members find each other by the SRV records of a domain", async () => {
  using names = await NameServer.start();
  await using stack = new AsyncDisposableStack();
  const ports = await freePorts("localhost", 4);
  const members = ["s1", "s2"].map((name, n) => {
    const dir = mkdtempSync(join(tmpdir(), "kvd-srv-"));
    // The domain names members as the system knows them, too: they must be able to dial each other.
    const [client, peer] = [ports[2 * n], ports[2 * n + 1]];
    const member = stack.use(
      new Member({ name, dir, clientUrl: `http://localhost:${client}`, peerUrl: `http://localhost:${peer}` }),
    );
    member.env = {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(asking(names.address))}`,
    };
    return member;
  });
  names.zone = {
    "_etcd-server._tcp.example.test": {
      srv: members.map(({ peerUrl }) => `${new URL(peerUrl).port} localhost`),
    },
    localhost: { a: ["127.0.0.1"] },
  };

  await Promise.all(members.map((member) => member.start(["--discovery-srv=example.test"])));

  const [one, two] = members;
  if (one === undefined || two === undefined) throw new Error("there are two");
  await put(one.clientUrl, "/srv", "x");
  await until("the key at the other", () => get(two.clientUrl, "/srv"));
  const { members: known } = await getJson<Members>(`${two.clientUrl}/v2/members`);
  expect(known.map(({ id, name }) => `${id} ${name}`).toSorted()).toStrictEqual(
    members.map(({ peerUrl, name }) => `${memberId([peerUrl], "etcd-cluster", null)} ${name}`).toSorted(),
  );
  expect(one.process.log).toContain("got bootstrap from DNS for _etcd-server at http://localhost:");
});

/** A module that makes a process ask this name server instead of the system's. */
function asking(nameServer: string): string {
  return `
    import { Resolver } from "node:dns/promises";
    for (const name of ["resolveSrv", "resolve4", "resolve6"]) {
      const ask = Resolver.prototype[name];
      Resolver.prototype[name] = function (host) {
        this.setServers(["${nameServer}"]);
        return ask.call(this, host);
      };
    }`;
}

test("a member of a discovered cluster restarts without the service", async () => {
  const token = await newToken("restart", "1");
  await using member = await newMember("only");
  await member.start(["--discovery", token]);
  await put(member.clientUrl, "/kept", "x");
  await member.crash();
  await service.process.kill("SIGKILL");

  await member.start(["--discovery", token]);

  expect((await get(member.clientUrl, "/kept")).value).toBe("x");
  expect(member.process.log).toContain(
    `W | etcdserver: discovery token ignored since a cluster has already been initialized. Valid log found at "${join(member.dataDir, "member", "wal")}"`,
  );
  await service.start(initialCluster([service]));
});

test("a token that leads nowhere: its reason, two lines of advice, status 1", async () => {
  const full = await newToken("full", "1");
  await put(service.clientUrl, "/discovery/full/1", "other=http://127.0.0.1:1");
  const bad = await newToken("bad", "many");
  for (const [token, reason, flags] of [
    [full, "discovery: cluster is full", ["--discovery-fallback", "exit"]],
    [bad, "discovery: size key is bad", []],
    [`${service.clientUrl}/version`, "discovery: bad discovery endpoint", []],
    [`${service.clientUrl}/v2/keys/none`, "100: Key not found (/none) [", []],
  ] as const) {
    await using member = await newMember("m");
    const process = member.spawn(["--discovery", token, ...flags]);

    expect(await process.exit()).toStrictEqual({ code: 1, signal: null });
    expect(process.log).toContain(` E | etcdmain: failed to join discovery cluster (${reason}`);
    expect(process.log).toContain(
      ` I | etcdmain: discovery token ${token} was used, but failed to bootstrap the cluster.\n`,
    );
    expect(process.log).toContain(
      " I | etcdmain: please generate a new discovery token and try to bootstrap again.\n",
    );
  }
});

test("a member that lost its data is told that it is registered already", async () => {
  const token = await newToken("lost", "2");
  await using member = await newMember("m1");
  await member.spawn(["--discovery", token]).logged(/waiting for 1 more/);
  expect(await member.process.kill("SIGTERM")).toStrictEqual({ code: null, signal: "SIGTERM" });

  const again = member.spawn(["--discovery", token]);

  expect(await again.exit()).toStrictEqual({ code: 1, signal: null });
  expect(again.log).toContain(
    ` E | etcdmain: member "m1" has previously registered with discovery service token (${token}).\n`,
  );
});

test.skipIf(!isInstalled("etcd", ["--version"]))(
  "Debian's etcd serves as the discovery service",
  async () => {
    await using etcd = await newMember("service", ["etcd", "--enable-v2=true"]);
    await etcd.spawn(initialCluster([etcd])).logged(/ready to serve client requests/);
    const token = await newToken("foreign", "2", etcd);
    await using a = await newMember("a");
    await using b = await newMember("b");

    await Promise.all([a, b].map((member) => member.start(["--discovery", token])));

    const { members } = await getJson<Members>(`${a.clientUrl}/v2/members`);
    expect(new Set(members.map(({ name }) => name))).toStrictEqual(new Set(["a", "b"]));
  },
);

test("a proxy learns of a member that comes, and goes on when the first one goes", async () => {
  await using first = await startSingle();
  await using second = await newMember("second");
  await using proxy = await newMember("p");
  const flags = ["--proxy=on", "--proxy-refresh-interval=300", "--proxy-failure-wait=60000"];
  await proxy.spawn([...initialCluster([first]), ...flags]).logged(PROXY_SERVES);
  const endpoints = async (): Promise<readonly string[]> =>
    (await getJson<{ endpoints: readonly string[] }>(`${proxy.clientUrl}/v2/config/local/proxy`)).endpoints;
  expect(await endpoints()).toStrictEqual([first.clientUrl]);

  await addMember(proxy.clientUrl, second.peerUrl);
  await second.start([...initialCluster([first, second]), "--initial-cluster-state=existing"]);
  await until("both endpoints", async () => ((await endpoints()).length === 2 ? true : null));
  await put(proxy.clientUrl, "/kept", "x");
  await until("the key at the second", () => get(second.clientUrl, "/kept"));
  await first.crash();

  for (let n = 0; n < 4; n++) expect((await get(proxy.clientUrl, "/kept")).value).toBe("x");
});

test("a read-only proxy passes on reads only", async () => {
  await using proxy = await newMember("p");
  await put(service.clientUrl, "/read", "me");

  await proxy.spawn([...initialCluster([service]), "--proxy", "readonly"]).logged(PROXY_SERVES);

  expect((await get(proxy.clientUrl, "/read")).value).toBe("me");
  expect((await request("PUT", `${proxy.clientUrl}/v2/keys/read`, { form: { value: "x" } })).status).toBe(
    501,
  );
  expect(await getJson(`${proxy.clientUrl}/v2/config/local/proxy`)).toStrictEqual({
    endpoints: [service.clientUrl],
  });
});

test.skipIf(!isInstalled("openssl", ["version"]))(
  "a proxy takes plain requests to a cluster that demands certificates",
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "kvd-proxy-tls-"));
    const host = nextHost();
    const [client, peer] = await freePorts(host, 2);
    const authority = makeAuthority(dir, "authority");
    const { cert, key } = makeCertificate(dir, "both", { authority, host });
    await using member = new Member({
      name: "secure",
      dir,
      clientUrl: `https://${host}:${client}`,
      peerUrl: `https://${host}:${peer}`,
    });
    const demands = (kind: string) => [
      `--${kind}cert-file=${cert}`,
      `--${kind}key-file=${key}`,
      `--${kind}client-cert-auth`,
      `--${kind}trusted-ca-file=${authority.cert}`,
    ];
    await member.start([...initialCluster([member]), ...demands(""), ...demands("peer-")]);
    await using proxy = await newMember("p");

    await proxy
      .spawn([...initialCluster([member]), "--proxy", "on", ...demands("peer-")])
      .logged(PROXY_SERVES);

    await put(proxy.clientUrl, "/secure", "x");
    expect((await get(proxy.clientUrl, "/secure")).value).toBe("x");
  },
);

test("v238-proxy-dir: a directory that a proxy of etcd left is a proxy's", async () => {
  const dir = await mkdtemp(join(tmpdir(), "kvd-proxy-"));
  await outputOf("tar", ["-xzf", FIXTURE, "-C", dir]);
  await mkdir(join(dir, "data"), { recursive: true });
  const host = nextHost();
  const [port] = await freePorts(host, 1);
  const url = `http://${host}:${port}`;
  await using proxy = new ServerProcess([
    "--data-dir",
    join(dir, "data"),
    "--listen-client-urls",
    url,
    "--advertise-client-urls",
    url,
  ]);

  await proxy.logged(PROXY_SERVES);

  expect(proxy.log).toContain(
    " N | etcdmain: the server is already initialized as proxy before, starting as etcd proxy...\n",
  );
  expect(proxy.log).toContain(
    ` I | etcdmain: proxy: using peer urls [http://127.0.0.1:22711 http://127.0.0.1:22721] from cluster file "${join(dir, "data", "proxy", "cluster")}"\n`,
  );
  const answer = await request("GET", `${url}/v2/keys/a`);
  expect(answer.status).toBe(503);
  expect(await answer.text()).toBe('{"message":"proxy: zero endpoints currently available"}');
  expect(await proxy.kill("SIGINT")).toStrictEqual({ code: null, signal: "SIGINT" });
  await rm(dir, { recursive: true, force: true });
});
