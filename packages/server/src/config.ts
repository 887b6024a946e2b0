// Everything a member needs to know before it starts. kvd makes it from flags and environment;
// it is validated there and trusted here.

import type { PeerTlsSource } from "@kv/rafthttp";

/** How to run one member. Times are milliseconds. Names and defaults follow etcd's flags (server-flags.md §3). */
export interface ServerConfig {
  readonly name: string;
  readonly dataDir: string;
  /** null: `<dataDir>/member/wal`. */
  readonly walDir: string | null;
  /** Applied entries between snapshots; at least 1. */
  readonly snapshotCount: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** Snapshot files kept; 0 keeps all. */
  readonly maxSnapshots: number;
  /** Log segments kept; 0 keeps all. Segments still needed are never removed. */
  readonly maxWals: number;
  /** `name=url,name=url`; used only while there is no log yet. */
  readonly initialCluster: string;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  readonly initialAdvertisePeerUrls: readonly string[];
  /** Published to the cluster on every start. */
  readonly advertiseClientUrls: readonly string[];
  /** For connections to other members; without it https ones must be known to the system's authorities. */
  readonly peerTls?: PeerTlsSource | null;
  /** Refuse membership changes after which the started members are no quorum. */
  readonly strictReconfigCheck: boolean;
  /** Drop all other members from the log before it is started from: recovery only. */
  readonly forceNewCluster: boolean;
  /** Start from a directory that holds v3 data, which is neither served nor changed. */
  readonly takeOverV3Data: boolean;
  /** Be a member of a cluster of etcd 3, for v2 data: announce a release of it. */
  readonly etcd3Peers: boolean;
}

/** The release a member says it is, and the oldest cluster version it can live with: who may be in one cluster depends on it. */
export interface Release {
  readonly version: string;
  readonly minCluster: string;
}

/** Log entries kept in memory before a snapshot, so that a slow follower needs no snapshot (cluster.md §14). */
export const CATCH_UP_ENTRIES = 5_000;

/** How often the leader proposes its clock, which is what expires keys (cluster.md §11). */
export const SYNC_INTERVAL_MS = 500;

/** How often the leader looks at the versions of all members (peer-protocol.md §12). */
export const VERSION_CHECK_INTERVAL_MS = 4_000;

/** How often old segments and snapshots are looked for (disk-format.md §9). */
export const PURGE_INTERVAL_MS = 30_000;

/** How long a removed member still answers reads before it stops (cluster.md §9). */
export const REMOVED_STOP_DELAY_MS = 1_000;

/** Appends a follower may have unacknowledged (peer-protocol.md §8). */
export const MAX_INFLIGHT_APPENDS = 512;

/** The release announced to clients and peers. */
export const RELEASE: Release = { version: "2.3.8", minCluster: "2.2.0" };

/** Instead of it, among members of etcd 3: the release that this was tried with (peer-protocol.md §16). */
const ETCD3_RELEASE: Release = { version: "3.4.23", minCluster: "3.0.0" };

/** What this member announces. */
export function releaseOf(config: Pick<ServerConfig, "etcd3Peers">): Release {
  return config.etcd3Peers ? ETCD3_RELEASE : RELEASE;
}

/** How long a proposal may take: 5 s and two elections (cluster.md §11). */
export function requestTimeoutMs(config: Pick<ServerConfig, "electionMs">): number {
  return 5_000 + 2 * config.electionMs;
}
