// Starting that must fail: with etcd's text, and without a trace on the disk.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeIdToBigInt } from "@kv/raft/codec";
import type { ServerConfig } from "./config.ts";
import { newRequest } from "./request.ts";
import { memberId } from "./member.ts";
import { createServer } from "./server.ts";
import {
  loneConfig,
  ManualClock,
  rememberingLogger,
  startLone,
  temporaryDirectory,
} from "./server.test.support.ts";

/** A peer port that answers /members and /version with fixed texts. */
async function fakePeer(
  members: (url: string) => string,
  version = '{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}',
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createHttpServer((request, response) => {
    response.setHeader("X-Etcd-Cluster-ID", "5e9009d684e07c95");
    response.end(request.url === "/members" ? members(url) : version);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function startError(config: ServerConfig): Promise<string> {
  try {
    await createServer(config, { logger: rememberingLogger([]), clock: new ManualClock() });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("the member has started");
}

test.each<[string, Partial<ServerConfig>, string]>([
  [
    "without its own name",
    { name: "other" },
    `couldn't find local name "other" in the initial cluster configuration`,
  ],
  ["with an empty cluster", { initialCluster: "" }, "initial cluster unset and no discovery URL found"],
  [
    "with a bad URL",
    { initialCluster: "garbage" },
    "error setting up initial cluster: URL scheme must be http or https: ",
  ],
  [
    "with a URL twice",
    { initialCluster: "lone=http://127.0.0.1:1,b=http://127.0.0.1:1" },
    "initial cluster b=http://127.0.0.1:1,lone=http://127.0.0.1:1 has duplicate url",
  ],
  [
    "with other peer URLs than it advertises",
    { initialAdvertisePeerUrls: ["http://127.0.0.1:9"] },
    "--initial-cluster must include lone=http://127.0.0.1:9 given --initial-advertise-peer-urls=http://127.0.0.1:9",
  ],
  [
    "to join a cluster that does not answer",
    { initialClusterState: "existing", initialCluster: "lone=http://127.0.0.1:1,b=http://127.0.0.1:3" },
    "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given urls",
  ],
])("a start %s is refused and writes nothing", async (_name, options, message) => {
  await using directory = await temporaryDirectory();

  expect(await startError(loneConfig(directory.path, options))).toBe(message);

  expect(await readdir(directory.path)).toEqual([]);
});

test("a member that others know as started is not bootstrapped again", async () => {
  await using directory = await temporaryDirectory();
  const id = nodeIdToBigInt(memberId(["http://127.0.0.1:1"], "etcd-cluster", null));
  await using peer = await fakePeer(
    () => `[{"id":${id},"peerURLs":["http://127.0.0.1:1"],"clientURLs":["http://127.0.0.1:2"]}]`,
  );
  const config = loneConfig(directory.path, { initialCluster: `lone=http://127.0.0.1:1,b=${peer.url}` });

  const message = await startError(config);

  expect(message).toMatch(/^member [0-9a-f]+ has already been bootstrapped$/);
  expect(await readdir(directory.path)).toEqual([]);
});

test.each<[string, (url: string) => string, string]>([
  ["another number of members", (url) => `[{"id":1,"peerURLs":["${url}"]}]`, "member count is unequal"],
  [
    "other peer URLs",
    (url) => `[{"id":1,"peerURLs":["${url}"]},{"id":2,"peerURLs":["http://127.0.0.1:7"]}]`,
    "unmatched member while checking PeerURLs",
  ],
])("joining a cluster with %s is refused before anything is written", async (_name, members, reason) => {
  await using directory = await temporaryDirectory();
  await using peer = await fakePeer(members);
  const config = loneConfig(directory.path, {
    initialClusterState: "existing",
    initialCluster: `lone=http://127.0.0.1:1,b=${peer.url}`,
  });

  const message = await startError(config);

  expect(message).toMatch(/^error validating peerURLs \{ClusterID:5e9009d684e07c95 /);
  expect(message).toContain(reason);
  expect(await readdir(directory.path)).toEqual([]);
});

test.each(["2.1.0", "3.0.0", "not_decided"])(
  "joining a cluster of version %s is refused",
  async (version) => {
    await using directory = await temporaryDirectory();
    await using peer = await fakePeer(
      (url) => `[{"id":1,"peerURLs":["${url}"]},{"id":2,"peerURLs":["http://127.0.0.1:1"]}]`,
      `{"etcdserver":"2.3.8","etcdcluster":"${version}"}`,
    );
    const config = loneConfig(directory.path, {
      initialClusterState: "existing",
      initialCluster: `lone=http://127.0.0.1:1,b=${peer.url}`,
    });

    expect(await startError(config)).toBe("incomptible with current running cluster");
  },
);

test("a joining member takes ids from the cluster and learns who is there", async () => {
  await using directory = await temporaryDirectory();
  await using peer = await fakePeer(
    (url) =>
      `[{"id":17,"peerURLs":["${url}"],"name":"b","clientURLs":["http://127.0.0.1:8"]},{"id":18446744073709551615,"peerURLs":["http://127.0.0.1:1"]}]`,
  );
  const config = loneConfig(directory.path, {
    initialClusterState: "existing",
    initialCluster: `lone=http://127.0.0.1:1,whatever=${peer.url}`,
  });

  await using server = await createServer(config, {
    logger: rememberingLogger([]),
    clock: new ManualClock(),
  });

  expect(server.id).toBe("ffffffffffffffff");
  expect(server.clusterId).toBe("5e9009d684e07c95");
  expect(server.members().map((member) => member.id)).toEqual(["11", "ffffffffffffffff"]);
});

test("a log that is gone while snapshots are there is never started empty", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path, { snapshotCount: 5 });
  const { server, lines } = await startLone(config);
  while (!lines.some((line) => line.includes("saved snapshot"))) {
    await server.do(newRequest("PUT", "/1/a"));
  }
  await server.close();
  await rm(join(directory.path, "member", "wal"), { recursive: true });

  expect(await startError(config)).toContain("the log directory was lost or emptied");
});

test("a data directory of 0.4 is refused and left alone", async () => {
  await using directory = await temporaryDirectory();
  for (const name of ["snapshot", "conf", "log"]) await mkdir(join(directory.path, name));
  await writeFile(join(directory.path, "log", "x"), "");

  expect(await startError(loneConfig(directory.path))).toContain("0.4");
  expect((await readdir(directory.path)).toSorted()).toEqual(["conf", "log", "snapshot"]);
});

test("the members of a new cluster are known before its first entries are applied: one may ask for a vote", async () => {
  await using directory = await temporaryDirectory();
  const config = loneConfig(directory.path, {
    initialCluster: "lone=http://127.0.0.1:1,b=http://127.0.0.1:3",
  });

  const server = await createServer(config, { logger: rememberingLogger([]), clock: new ManualClock() });

  expect(server.raftIndex).toBe(0);
  expect(server.members().map(({ name }) => name)).toEqual(expect.arrayContaining(["b", "lone"]));
  await server.close();
});
