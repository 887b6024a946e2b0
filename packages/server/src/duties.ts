// What a member does on its own accord while it runs: publish itself, and as leader propose the
// clock and agree on the cluster's version; sweep timeouts and purge old files (cluster.md §10, §11).

import { fetchVersion, type AskOptions } from "@kv/rafthttp";
import { every, type Clock } from "./clock.ts";
import {
  PURGE_INTERVAL_MS,
  releaseOf,
  requestTimeoutMs,
  SYNC_INTERVAL_MS,
  VERSION_CHECK_INTERVAL_MS,
} from "./config.ts";
import type { ServerConfig } from "./config.ts";
import type { Logger } from "./logger.ts";
import { publish } from "./publish.ts";
import type { Replica } from "./replica.ts";
import { encodeRequest } from "./request-codec.ts";
import { newRequest } from "./request.ts";
import type { Member } from "./server-api.ts";
import { VersionMonitor } from "./version-monitor.ts";

const SWEEP_INTERVAL_MS = 100;
const PUBLISH_RETRY_MS = 500;

export interface DutiesDeps {
  readonly config: ServerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: Replica;
  /** Purging failed: the disk is not to be trusted any more. */
  readonly onFatal: (error: unknown) => void;
}

/** Timers and background work of one member, from construction until `stop`. */
export class Duties {
  readonly #deps: DutiesDeps;
  readonly #monitor: VersionMonitor;
  readonly #cancels: readonly (() => void)[];
  #isStopped = false;
  #isPurging = false;

  constructor(deps: DutiesDeps) {
    const { clock, logger, config, replica } = deps;
    this.#deps = deps;
    this.#monitor = new VersionMonitor({
      id: replica.id,
      release: releaseOf(config),
      cluster: replica.cluster,
      proposals: replica.proposals,
      logger,
      isLeader: () => replica.leadership.isOwn,
      fetchServerVersion: (member) => this.#serverVersionOf(member),
    });
    this.#cancels = [
      every(clock, SWEEP_INTERVAL_MS, () => replica.proposals.sweep()),
      every(clock, SYNC_INTERVAL_MS, () => this.#sync()),
      every(clock, VERSION_CHECK_INTERVAL_MS, () => void this.#monitor.check()),
      every(clock, PURGE_INTERVAL_MS, () => void this.#purge()),
    ];
    void this.#purge();
    void publish({
      id: replica.id,
      clusterId: replica.cluster.id,
      name: config.name,
      clientUrls: config.advertiseClientUrls,
      proposals: replica.proposals,
      logger,
      isStopped: () => this.#isStopped,
      whenLeaderKnown: () => replica.leadership.whenKnown(),
      pause: () => new Promise((resolve) => clock.after(PUBLISH_RETRY_MS, resolve)),
    });
  }

  /** A new leader looks at the versions at once. */
  becameLeader(): void {
    void this.#monitor.check();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels) cancel();
  }

  /** Expiry is driven by the leader's clock alone, so that all members expire the same keys at the same index. */
  #sync(): void {
    const { replica, clock } = this.#deps;
    if (!replica.leadership.isOwn) return;
    const request = newRequest("SYNC", "");
    request.time = clock.unixNanos();
    // Nobody waits for it: a lost one is made up for by the next.
    replica.node.submit(encodeRequest(request));
  }

  async #purge(): Promise<void> {
    if (this.#isPurging) return;
    this.#isPurging = true;
    try {
      await this.#deps.replica.purge(this.#deps.config);
    } catch (error) {
      if (!this.#isStopped) this.#deps.onFatal(error);
    } finally {
      this.#isPurging = false;
    }
  }

  async #serverVersionOf(member: Member): Promise<string | null> {
    const { logger, config } = this.#deps;
    const ask: AskOptions = { timeoutMs: requestTimeoutMs(config), tls: config.peerTls ?? null };
    for (const url of member.peerUrls) {
      try {
        return (await fetchVersion(url, ask)).server;
      } catch (error) {
        logger.debug("cannot get the version of a member", {
          member: member.id,
          url,
          reason: error instanceof Error ? error.message : String(error),
        });
      }
    }
    logger.warn("cannot get the version of a member", { member: member.id });
    return null;
  }
}
