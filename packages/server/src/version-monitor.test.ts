import { expect, test } from "vitest";
import { parseNodeId } from "@kv/raft";
import { Store } from "@kv/store";
import { RELEASE } from "./config.ts";
import { Cluster } from "./cluster.ts";
import { IdGenerator } from "./id-generator.ts";
import { newMember } from "./member.ts";
import { Proposals } from "./proposals.ts";
import { decodeRequest } from "./request-codec.ts";
import { rememberingLogger } from "./server.test.support.ts";
import { VersionMonitor } from "./version-monitor.ts";
import { clusterVersionOf, isLowerRelease, isVersion } from "./versions.ts";

const OWN = parseNodeId("1");

/** What the monitor of a leader proposes, when its peers answer so and the cluster has that version. */
async function proposed(
  peers: readonly (string | null)[],
  current: string | null,
  isLeader = true,
): Promise<string[]> {
  const cluster = new Cluster(parseNodeId("c"), new Store({ now: () => 0n }), {
    onVersion: () => {},
    ownVersion: RELEASE.version,
    forgetsNewerVersions: false,
  });
  cluster.learn(
    [OWN, ...peers.map((_, i) => parseNodeId((i + 2).toString(16)))].map((id) => newMember(id, [])),
  );
  if (current !== null) cluster.beforePut("/0/version", current);
  const values: string[] = [];
  const proposals = new Proposals({
    ids: new IdGenerator(OWN, 0),
    timeoutMs: 1,
    now: () => 0,
    submit: (data) => {
      const request = decodeRequest(data);
      values.push(`${request?.path} ${request?.val}`);
      return "stopped"; // nobody applies it here
    },
    defer: (callback) => callback(),
    timeoutCause: () => "",
  });
  const monitor = new VersionMonitor({
    id: OWN,
    release: RELEASE,
    cluster,
    proposals,
    logger: rememberingLogger([]),
    isLeader: () => isLeader,
    fetchServerVersion: (member) => Promise.resolve(peers[Number(member.id) - 2] ?? null),
  });
  await Promise.all([monitor.check(), monitor.check()]);
  return values;
}

test.each<[string, readonly (string | null)[], string | null, readonly string[]]>([
  ["a lone leader decides for its own release", [], null, ["2.3.0"]],
  ["the lowest release wins", ["2.3.1", "2.2.5"], null, ["2.2.0"]],
  ["a newer peer does not raise it above ours", ["3.4.23"], null, ["2.3.0"]],
  ["without every answer it starts at what we can live with", ["2.3.8", null], null, ["2.2.0"]],
  ["it is raised when the last old member has gone", ["2.3.8"], "2.2.0", ["2.3.0"]],
  ["it is never lowered", ["2.2.0"], "2.3.0", []],
  ["it stays when it is right", ["2.3.0"], "2.3.0", []],
  ["it stays when a member does not answer", [null], "2.2.0", []],
])("cluster version: %s", async (_name, peers, current, expected) => {
  expect(await proposed(peers, current)).toEqual(expected.map((version) => `/0/version ${version}`));
});

test("only the leader proposes a cluster version", async () => {
  expect(await proposed([], null, false)).toEqual([]);
});

test("releases compare as numbers, and patch numbers do not count", () => {
  expect(isLowerRelease("2.9.0", "2.10.0")).toBe(true);
  expect(isLowerRelease("2.3.1", "2.3.8")).toBe(false);
  expect(isLowerRelease("3.0.0", "2.3.8")).toBe(false);
  expect(clusterVersionOf("2.3.8")).toBe("2.3.0");
  expect(isVersion("not_decided")).toBe(false);
});
