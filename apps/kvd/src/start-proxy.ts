// Starts a proxy: where the cluster is, who its members are, then the client listeners. There is no
// raft and no peer listener. Spec: cluster.md §13, server-flags.md §5 "Readiness".

import { fetchMembers } from "@kv/rafthttp";
import type { AskOptions } from "@kv/rafthttp";
import { systemClock, withCors } from "@kv/server";
import { Certificates } from "./certificates.ts";
import { checkInitialCluster } from "./config.ts";
import type { KvdConfig } from "./config.ts";
import { peerUrlsForProxy } from "./first-members.ts";
import { Listeners } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { ClusterFile } from "./proxy/cluster-file.ts";
import { ProxyEndpoints } from "./proxy/endpoints.ts";
import type { ClusterUrls } from "./proxy/endpoints.ts";
import { proxyHandler } from "./proxy/proxy-handler.ts";
import { Upstream } from "./proxy/upstream.ts";

/** A proxy that serves. */
export interface RunningProxy {
  readonly endpoints: Pick<ProxyEndpoints, "available">;
  /** Stops serving; long polls are cut. May be called twice. */
  close(): Promise<void>;
}

const MEMBERS_TIMEOUT_MS = 10_000;

/**
 * Starts a proxy and begins to serve.
 *
 * @throws {KvdError} why it cannot; everything opened before is closed again.
 */
export async function startProxy(config: KvdConfig, logger: Logger): Promise<RunningProxy> {
  const { proxy } = config;
  const file = new ClusterFile(config.server.dataDir);
  const peerUrls = await peerUrlsOf(file, config, logger);
  const log = logger.child({ pkg: "etcdmain" });
  const deps = { logger: log, clock: systemClock };
  const members = await Certificates.open("peer", config.peerTls, [], deps);
  const own = await Certificates.open("client", config.clientTls, config.listenClientUrls, deps);
  const endpoints = new ProxyEndpoints(
    {
      peerUrls,
      refreshIntervalMs: proxy.refreshIntervalMs,
      failureWaitMs: proxy.failureWaitMs,
    },
    {
      ask: (url, signal) => askMembers(url, { timeoutMs: MEMBERS_TIMEOUT_MS, tls: members.dial, signal }),
      save: (urls) => file.write(urls),
      clock: systemClock,
      random: Math.random,
      logger: logger.child({ pkg: "proxy" }),
    },
  );
  const upstream = new Upstream(proxy.timeouts, members.dial);
  // Scripts wait for `etcdmain: proxy: listening for client requests on …`.
  const clients = new Listeners(
    "client requests",
    config.httpEngine,
    logger.child({ pkg: "etcdmain: proxy" }),
  );
  const close = async (): Promise<void> => {
    members.close();
    own.close();
    await Promise.all([clients.close(), endpoints.close()]);
    await upstream.close();
  };
  try {
    await endpoints.start();
    const handler = proxyHandler({
      endpoints,
      upstream,
      isReadonly: proxy.mode === "readonly",
      logger: logger.child({ pkg: "proxy" }),
    });
    await clients.listen(config.listenClientUrls, withCors(handler, config.cors), own.listen);
    own.watch((tls) => clients.useCertificates(tls));
    members.watch(() => undefined); // it only dials
    return { endpoints, close };
  } catch (error) {
    clients.announceClose();
    await close();
    throw error;
  }
}

/** What was learned the last time beats all flags. */
async function peerUrlsOf(file: ClusterFile, config: KvdConfig, logger: Logger): Promise<readonly string[]> {
  const log = logger.child({ pkg: "etcdmain" });
  const known = await file.read();
  if (known === null) {
    checkInitialCluster(config.server.initialCluster);
    const urls = await peerUrlsForProxy(config, logger);
    log.info(`proxy: using peer urls [${urls.join(" ")}] `);
    return urls;
  }
  const ignored = [
    ...(config.discovery.url === "" ? [] : ["discovery token"]),
    ...(config.discoverySrv === "" ? [] : ["DNS SRV discovery"]),
  ];
  for (const what of ignored) {
    log.warn(
      `${what} ignored since the proxy has already been initialized. Valid cluster file found at "${file.path}"`,
    );
  }
  log.info(`proxy: using peer urls [${known.join(" ")}] from cluster file "${file.path}"`);
  return known;
}

async function askMembers(peerUrl: string, options: AskOptions): Promise<ClusterUrls> {
  const { members } = await fetchMembers(peerUrl, options);
  return {
    peerUrls: members.flatMap((member) => member.peerUrls).toSorted(),
    clientUrls: members.flatMap((member) => member.clientUrls).toSorted(),
  };
}
