// What all parts of one transport share: who we are, whom we tell, what time it is.

import type { NodeId } from "@kv/raft";
import type { Dispatcher } from "undici";
import { ANNOUNCEMENT, ANNOUNCEMENT_HEADER } from "./announcement.ts";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";
import type { RaftReceiver } from "./receiver.ts";
import type { PeerStats } from "./stats.ts";
import type { VersionPair } from "./versions.ts";

/** The local member and its surroundings. */
export interface TransportContext {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly versions: VersionPair;
  readonly receiver: RaftReceiver;
  readonly stats: PeerStats;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether members that are not kv are etcd 3: they stop for good at a snapshot without a v3 database. */
  readonly isAmongEtcd3: boolean;
  /** Makes the requests to other members. */
  readonly dispatcher: Dispatcher;
  /** The headers that every request to another member carries (peer-protocol.md §2), and our announcement. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers of peer-protocol.md §2, except those of single requests, and our announcement. */
export function requestHeaders(local: {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  readonly versions: VersionPair;
  readonly peerUrls: readonly string[];
}): Readonly<Record<string, string>> {
  return {
    "x-etcd-cluster-id": local.clusterId,
    "x-server-from": local.id,
    "x-server-version": local.versions.server,
    "x-min-cluster-version": local.versions.minCluster,
    "x-peerurls": local.peerUrls.join(","),
    [ANNOUNCEMENT_HEADER]: ANNOUNCEMENT,
  };
}
