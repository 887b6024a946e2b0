// Where the first members of a cluster come from: the flag that lists them, the DNS, or a discovery
// service. Only who has no data yet asks. Spec: cluster.md §3, §7, §8.

import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { memberId, parseInitialCluster } from "@kv/server";
import type { ServerConfig } from "@kv/server";
import type { KvdConfig } from "./config.ts";
import { hasLog } from "./data-dir.ts";
import { joinThroughDiscovery, readDiscovery } from "./discovery.ts";
import type { DiscoveryOptions } from "./discovery.ts";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { clusterFromSrv } from "./srv.ts";

/** DNS servers get this long for an answer, and this many chances. */
const DNS_OPTIONS = { timeout: 2_000, tries: 2 } as const;

/**
 * The configuration with the initial cluster that the DNS gives, if it is to be asked. A member that
 * has its log already does not depend on the DNS.
 *
 * @throws {KvdError} `E_CLUSTER`
 */
export async function withSrvCluster(config: KvdConfig, logger: Logger): Promise<ServerConfig> {
  const { server } = config;
  if (config.discoverySrv === "" || (await hasLog(server))) return server;
  const initialCluster = await srvCluster(config, logger);
  if (parseInitialCluster(initialCluster).has(server.name)) return { ...server, initialCluster };
  throw new KvdError(
    "E_CLUSTER",
    `error setting up initial cluster: cannot find local etcd member "${server.name}" in SRV records`,
  );
}

/**
 * The configuration with the initial cluster that a discovery service gives, if it is to be asked.
 * Registers this member there.
 *
 * @throws {KvdError} as `joinThroughDiscovery`, and `E_CLUSTER`
 */
export async function withDiscoveredCluster(
  server: ServerConfig,
  config: KvdConfig,
  logger: Logger,
): Promise<ServerConfig> {
  const { discovery } = config;
  if (discovery.url === "") return server;
  if (await hasLog(server)) {
    const log = server.walDir ?? join(server.dataDir, "member", "wal");
    logger
      .child({ pkg: "etcdserver" })
      .warn(
        `discovery token ignored since a cluster has already been initialized. Valid log found at "${log}"`,
      );
    return server;
  }
  if (server.initialClusterState === "existing") {
    throw new KvdError("E_CLUSTER", "discovery URL should not be set when joining existing initial cluster");
  }
  const id = memberId(server.initialAdvertisePeerUrls, discovery.url, null);
  const initialCluster = await joinThroughDiscovery(discoveryOptions(config, logger), {
    id,
    cluster: server.initialCluster,
  });
  return { ...server, initialCluster };
}

/**
 * The peer URLs of the cluster that a proxy belongs to.
 *
 * @throws {KvdError} `E_CLUSTER`, `E_DISCOVERY…`
 */
export async function peerUrlsForProxy(config: KvdConfig, logger: Logger): Promise<readonly string[]> {
  const cluster =
    config.discovery.url !== ""
      ? await readDiscovery(discoveryOptions(config, logger))
      : config.discoverySrv !== ""
        ? await srvCluster(config, logger)
        : config.server.initialCluster;
  return [...parseInitialCluster(cluster).values()].flat().toSorted();
}

function srvCluster({ server, discoverySrv }: KvdConfig, logger: Logger): Promise<string> {
  return clusterFromSrv(
    {
      domain: discoverySrv,
      name: server.name,
      advertisePeerUrls: server.initialAdvertisePeerUrls,
    },
    new Resolver(DNS_OPTIONS),
    logger,
  );
}

function discoveryOptions({ discovery }: KvdConfig, logger: Logger): DiscoveryOptions {
  return { url: discovery.url, proxy: discovery.proxy || null, logger, pause: (delayMs) => pause(delayMs) };
}
