// Joining a cluster that runs: it tells who its members are, and which of them we are (cluster.md §5).

import type { NodeId } from "@kv/raft";
import {
  fetchMembers,
  fetchVersion,
  type AskOptions,
  type MemberInfo,
  type RemoteCluster,
} from "@kv/rafthttp";
import { releaseOf, type Release, type ServerConfig } from "./config.ts";
import { StartError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { readInitialCluster } from "./new-cluster.ts";
import type { Member } from "./server-api.ts";
import { compareBytewise, sameUrls } from "./urls.ts";
import { isLowerRelease } from "./versions.ts";

const MEMBERS_TIMEOUT_MS = 10_000;

/** The ids of a joining member and the members it was told of, itself among them. */
export interface JoinPlan {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly peers: null;
  readonly known: readonly Member[];
}

/**
 * Asks the cluster who we are. Nothing is written: a wrong list of members fails here.
 *
 * @throws {StartError} `E_CLUSTER_CONFIG`, `E_JOIN`
 */
export async function joinCluster(config: ServerConfig, logger: Logger): Promise<JoinPlan> {
  const listed = readInitialCluster(config);
  const ask: AskOptions = { timeoutMs: MEMBERS_TIMEOUT_MS, tls: config.peerTls ?? null };
  const others = [...listed].filter(([name]) => name !== config.name).flatMap(([, urls]) => urls);
  const remote = await fetchCluster(others.toSorted(compareBytewise), ask, logger);
  const own = await matchMembers(listed, remote, config.name);
  await checkVersions(
    releaseOf(config),
    remote.members.filter((member) => member.id !== own.id),
    ask,
    logger,
  );
  return { id: own.id, clusterId: remote.clusterId, peers: null, known: remote.members };
}

async function fetchCluster(
  urls: readonly string[],
  ask: AskOptions,
  logger: Logger,
): Promise<RemoteCluster> {
  for (const url of urls) {
    try {
      // In order, the first answer counts.
      return await fetchMembers(url, ask);
    } catch (error) {
      logger.warn(
        `could not get cluster response from ${url}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  throw new StartError(
    "E_JOIN",
    "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given urls",
  );
}

/** The list must name exactly the members of the cluster; it may use other names. */
async function matchMembers(
  listed: ReadonlyMap<string, readonly string[]>,
  remote: RemoteCluster,
  ownName: string,
): Promise<MemberInfo> {
  const refuse = (reason: string): StartError =>
    new StartError(
      "E_JOIN",
      `error validating peerURLs {ClusterID:${remote.clusterId} Members:[${remote.members.map(describe).join(" ")}]}: ${reason}`,
    );
  if (remote.members.length !== listed.size) throw refuse("member count is unequal");
  const local = [...listed].toSorted(([, a], [, b]) => byUrl(a, b));
  const known = remote.members.toSorted((a, b) => byUrl(a.peerUrls, b.peerUrls));
  let own: MemberInfo | null = null;
  for (const [i, [name, urls]] of local.entries()) {
    const member = known[i];
    // Names are resolved one pair at a time; a handful of members at most.
    if (member === undefined || !(await sameUrls(urls, member.peerUrls))) {
      throw refuse("unmatched member while checking PeerURLs");
    }
    if (name === ownName) own = member;
  }
  if (own === null) throw refuse("unmatched member while checking PeerURLs");
  return own;
}

/** At least one member must say a cluster version that we can live with, and none may say another. */
async function checkVersions(
  own: Release,
  others: readonly MemberInfo[],
  ask: AskOptions,
  logger: Logger,
): Promise<void> {
  const versions = await Promise.all(others.map((member) => clusterVersionSeenBy(member, ask, logger)));
  const decided = versions.filter((version) => version !== null);
  // etcd spells it so, and scripts match on it.
  if (decided.length === 0 || !decided.every((version) => fits(own, version))) {
    throw new StartError("E_JOIN", "incomptible with current running cluster");
  }
}

function fits(own: Release, version: string): boolean {
  return !isLowerRelease(version, own.minCluster) && !isLowerRelease(own.version, version);
}

async function clusterVersionSeenBy(
  member: MemberInfo,
  ask: AskOptions,
  logger: Logger,
): Promise<string | null> {
  for (const url of member.peerUrls) {
    try {
      return (await fetchVersion(url, ask)).cluster;
    } catch (error) {
      logger.warn("cannot get the version of a member", {
        member: member.id,
        url,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return null;
}

function byUrl(a: readonly string[], b: readonly string[]): number {
  return compareBytewise(a[0] ?? "", b[0] ?? "");
}

function describe(member: MemberInfo): string {
  return `{ID:${member.id} PeerURLs:[${member.peerUrls.join(" ")}]}`;
}
