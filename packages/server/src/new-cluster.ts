// The first start of a member of a new cluster: all members compute the same ids and the same first
// entries from the same list, without talking to each other (cluster.md §4).

import { compareNodeIds } from "@kv/raft";
import type { BootstrapPeer, NodeId } from "@kv/raft";
import { fetchMembers, type AskOptions } from "@kv/rafthttp";
import type { ServerConfig } from "./config.ts";
import { StartError } from "./errors.ts";
import { clusterId, encodeMemberContext, memberId, newMember } from "./member.ts";
import type { Member } from "./server-api.ts";
import { compareBytewise, formatInitialCluster, parseInitialCluster, sameUrls, UrlError } from "./urls.ts";

const BOOTSTRAPPED_CHECK_TIMEOUT_MS = 1_000;

/** The ids of a new member and the first members of its cluster. */
export interface NewClusterPlan {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly peers: readonly BootstrapPeer[];
  readonly known: readonly Member[];
}

/**
 * Checks the initial cluster and computes all ids.
 *
 * @throws {StartError} `E_CLUSTER_CONFIG`, or `E_BOOTSTRAPPED` when a running member knows this one as started.
 */
export async function planNewCluster(config: ServerConfig): Promise<NewClusterPlan> {
  const cluster = readInitialCluster(config);
  const own = cluster.get(config.name) ?? [];
  await checkAdvertised(config, own);
  const members = [...cluster]
    .map(([name, urls]) => newMember(memberId(urls, config.initialClusterToken, null), urls, name))
    .toSorted((a, b) => compareNodeIds(a.id, b.id));
  refuseEqualIds(members);
  const id = memberId(own, config.initialClusterToken, null);
  await refuseBootstrapped(id, cluster, config);
  return {
    id,
    clusterId: clusterId(members.map((member) => member.id)),
    peers: members.map((member) => ({ id: member.id, context: encodeMemberContext(member) })),
    known: members, // a vote that comes before the first entries are applied must find its way back
  };
}

/**
 * The initial cluster with the checks that a new and a joining member share.
 *
 * @throws {StartError} `E_CLUSTER_CONFIG`
 */
export function readInitialCluster(config: ServerConfig): ReadonlyMap<string, readonly string[]> {
  let cluster: ReadonlyMap<string, readonly string[]>;
  try {
    cluster = parseInitialCluster(config.initialCluster);
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    throw new StartError("E_CLUSTER_CONFIG", `error setting up initial cluster: ${error.message}`, {
      cause: error,
    });
  }
  if (cluster.size === 0) {
    throw new StartError("E_CLUSTER_CONFIG", "initial cluster unset and no discovery URL found");
  }
  if (!cluster.has(config.name)) {
    throw new StartError(
      "E_CLUSTER_CONFIG",
      `couldn't find local name "${config.name}" in the initial cluster configuration`,
    );
  }
  const urls = [...cluster.values()].flat();
  if (new Set(urls).size !== urls.length) {
    throw new StartError(
      "E_CLUSTER_CONFIG",
      `initial cluster ${formatInitialCluster(cluster)} has duplicate url`,
    );
  }
  return cluster;
}

async function checkAdvertised(config: ServerConfig, own: readonly string[]): Promise<void> {
  if (await sameUrls(own, config.initialAdvertisePeerUrls)) return;
  const advertised = config.initialAdvertisePeerUrls;
  const wanted = advertised.map((url) => `${config.name}=${url}`).join(",");
  throw new StartError(
    "E_CLUSTER_CONFIG",
    `--initial-cluster must include ${wanted} given --initial-advertise-peer-urls=${advertised.join(",")}`,
  );
}

function refuseEqualIds(members: readonly Member[]): void {
  for (let i = 1; i < members.length; i++) {
    const [a, b] = [members[i - 1], members[i]];
    if (a !== undefined && a.id === b?.id) {
      throw new StartError("E_CLUSTER_CONFIG", `member exists with identical ID ${a.id}`);
    }
  }
}

/** A member that lost its data must not vote again under its old id. Whoever answers first decides; silence proves nothing. */
async function refuseBootstrapped(
  id: NodeId,
  cluster: ReadonlyMap<string, readonly string[]>,
  config: Pick<ServerConfig, "name" | "peerTls">,
): Promise<void> {
  const ask: AskOptions = { timeoutMs: BOOTSTRAPPED_CHECK_TIMEOUT_MS, tls: config.peerTls ?? null };
  const others = [...cluster].filter(([other]) => other !== config.name).flatMap(([, urls]) => urls);
  for (const url of others.toSorted(compareBytewise)) {
    try {
      // One after the other, and the first answer counts: that is the rule.
      const { members } = await fetchMembers(url, ask);
      if (members.some((member) => member.id === id && member.clientUrls.length > 0)) {
        throw new StartError("E_BOOTSTRAPPED", `member ${id} has already been bootstrapped`);
      }
      return;
    } catch (error) {
      if (error instanceof StartError) throw error;
      // Nobody there yet: the normal case while a cluster starts.
    }
  }
}
