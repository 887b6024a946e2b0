// Decides what this process is: what its data directory says, else what the flags say; and a member
// that finds its cluster full may become a proxy. Spec: cluster.md §3.

import type { StopReason } from "@kv/server";
import type { KvdConfig } from "./config.ts";
import { inspectDataDir } from "./data-dir.ts";
import { KvdError } from "./errors.ts";
import type { RootLogger } from "./logger.ts";
import { startMember } from "./start-member.ts";
import { startProxy } from "./start-proxy.ts";

/** A member or a proxy that serves. */
export interface Running {
  /** Resolves when it stops by itself; a proxy never does. */
  readonly stopped: Promise<StopReason>;
  /** What it is doing, for whoever asks with SIGQUIT. */
  state(): Readonly<Record<string, unknown>>;
  /** Stops serving. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts what this process is to be.
 *
 * @throws {KvdError | StartError} why it cannot
 */
export async function start(config: KvdConfig, logger: RootLogger): Promise<Running> {
  const log = logger.child({ pkg: "etcdmain" });
  const { dataDir } = config.server;
  if (config.isDefaultDataDir) log.warn(`no data-dir provided, using default data-dir ./${dataDir}`);
  const kind = await inspectDataDir(dataDir, log);
  if (kind !== "empty") {
    log.notice(`the server is already initialized as ${kind} before, starting as etcd ${kind}...`);
  }
  if (kind === "proxy" || (kind === "empty" && config.proxy.mode !== "off")) {
    return asRunningProxy(config, logger);
  }
  try {
    return await asRunningMember(config, logger);
  } catch (error) {
    if (!(error instanceof KvdError) || !error.code.startsWith("E_DISCOVERY")) throw error;
    if (error.code !== "E_DISCOVERY_FULL" || config.discovery.fallback === "exit") {
      explain(error, config, logger);
      throw new KvdError("E_EXPLAINED", error.message, { cause: error });
    }
    log.notice("discovery cluster full, falling back to proxy");
    return asRunningProxy(config, logger);
  }
}

async function asRunningMember(config: KvdConfig, logger: RootLogger): Promise<Running> {
  const member = await startMember(config, logger);
  return {
    stopped: member.server.stopped,
    state: () => ({
      member: member.server.id,
      leader: member.server.leader,
      raftTerm: member.server.raftTerm,
      raftIndex: member.server.raftIndex,
      etcdIndex: member.server.etcdIndex,
    }),
    close: () => member.close(),
  };
}

async function asRunningProxy(config: KvdConfig, logger: RootLogger): Promise<Running> {
  const proxy = await startProxy(config, logger);
  return {
    stopped: Promise.withResolvers<StopReason>().promise,
    state: () => ({ endpoints: proxy.endpoints.available }),
    close: () => proxy.close(),
  };
}

/** What etcd says about a token that did not lead to a cluster. Server-flags.md §5. */
function explain(error: KvdError, config: KvdConfig, logger: RootLogger): void {
  const log = logger.child({ pkg: "etcdmain" });
  const { name, dataDir } = config.server;
  const token = config.discovery.url;
  if (error.code === "E_DISCOVERY_DUPLICATE_ID") {
    log.error(`member "${name}" has previously registered with discovery service token (${token}).`);
    log.error(`But etcd could not find valid cluster configuration in the given data dir (${dataDir}).`);
    log.info("Please check the given data dir path if the previous bootstrap succeeded");
    log.info("or use a new discovery token if the previous bootstrap failed.");
    return;
  }
  if (error.code === "E_DISCOVERY_DUPLICATE_NAME") {
    log.error(`member with duplicated name has registered with discovery service token(${token}).`);
    log.error("please check (cURL) the discovery token for more information.");
    log.error("please do not reuse the discovery token and generate a new one to bootstrap the cluster.");
    return;
  }
  log.error(`failed to join discovery cluster (${error.message})`);
  log.info(`discovery token ${token} was used, but failed to bootstrap the cluster.`);
  log.info("please generate a new discovery token and try to bootstrap again.");
}
