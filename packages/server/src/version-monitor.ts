// The leader agrees on a cluster version: the lowest release that runs anywhere
// (peer-protocol.md §12).

import type { NodeId } from "@kv/raft";
import type { Release } from "./config.ts";
import type { Cluster } from "./cluster.ts";
import { VERSION_PATH } from "./cluster.ts";
import type { Logger } from "./logger.ts";
import type { Proposals } from "./proposals.ts";
import { newRequest } from "./request.ts";
import type { Member } from "./server-api.ts";
import { clusterVersionOf, isLowerRelease } from "./versions.ts";

export interface VersionMonitorDeps {
  readonly id: NodeId;
  readonly release: Release;
  readonly cluster: Cluster;
  readonly proposals: Proposals;
  readonly logger: Logger;
  readonly isLeader: () => boolean;
  /** The server version of a member, or null when it cannot be reached. */
  readonly fetchServerVersion: (member: Member) => Promise<string | null>;
}

/** Looks at the versions of all members and raises the cluster's; at most one look at a time. */
export class VersionMonitor {
  readonly #deps: VersionMonitorDeps;
  #running: Promise<void> | null = null;

  constructor(deps: VersionMonitorDeps) {
    this.#deps = deps;
  }

  /** Starts a look if this member leads and none is under way. Resolves when it has ended; never rejects. */
  check(): Promise<void> {
    if (!this.#deps.isLeader()) return Promise.resolve();
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #look(): Promise<void> {
    const { cluster, proposals, logger, release } = this.#deps;
    const lowest = await this.#lowestVersion();
    const current = cluster.version;
    // Without every answer an undecided cluster starts at what we can live with; a decided one stays.
    const wanted =
      lowest === null ? (current === null ? release.minCluster : null) : clusterVersionOf(lowest);
    if (wanted === null || (current !== null && !isLowerRelease(current, wanted))) return;
    const request = newRequest("PUT", VERSION_PATH);
    request.val = wanted;
    try {
      await proposals.propose(request);
    } catch (error) {
      logger.warn("cannot propose the cluster version", {
        version: wanted,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** null when a member cannot be reached. */
  async #lowestVersion(): Promise<string | null> {
    const { cluster, id, release, fetchServerVersion } = this.#deps;
    const others = cluster.members().filter((member) => member.id !== id);
    const versions = await Promise.all(others.map(fetchServerVersion));
    let lowest = release.version;
    for (const version of versions) {
      if (version === null) return null;
      if (isLowerRelease(version, lowest)) lowest = version;
    }
    return lowest;
  }
}
