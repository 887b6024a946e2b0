// A member without a disk: the only one of its cluster, for the life of the process. What it starts from
// is what bootstrap.ts makes for a first start, with a memory log instead of a directory.

import { MemoryStable } from "@kv/raft/node";
import { emptyState, type Bootstrapped } from "./bootstrap.ts";
import type { ServerConfig } from "./config.ts";
import { clusterId, encodeMemberContext, memberId, newMember } from "./member.ts";
import { slowHistogram, type DurationHistogram } from "./metrics.ts";
import type { MemberStorage } from "./storage.ts";

/** What a member in memory is told. */
export interface MemoryServerConfig {
  readonly name: string;
  /** Where clients reach it; published to the cluster. */
  readonly advertiseClientUrls: readonly string[];
}

// It is part of the member's id and printed by the members API. Port 0 says that nobody listens there.
const PEER_URLS = ["http://127.0.0.1:0"];

/** The raft's stable storage, which is all there is: no lock to hold and nothing to remove. */
class MemberMemory extends MemoryStable implements MemberStorage {
  readonly fsyncDurations: DurationHistogram = slowHistogram();

  purge(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

/** What the first start of a lone member gives. */
export function bootstrapInMemory(config: MemoryServerConfig, now: () => bigint): Bootstrapped {
  const id = memberId(PEER_URLS, "", null);
  const member = newMember(id, PEER_URLS, config.name);
  return {
    ...emptyState(now),
    id,
    clusterId: clusterId([id]),
    storage: new MemberMemory(),
    peers: [{ id, context: encodeMemberContext(member) }],
    known: [],
  };
}

/** etcd's defaults, where they mean something without disk and peers. */
export function memoryServerConfig({ name, advertiseClientUrls }: MemoryServerConfig): ServerConfig {
  return {
    name,
    advertiseClientUrls,
    dataDir: "",
    walDir: null,
    snapshotCount: 10_000,
    heartbeatMs: 100,
    electionMs: 1_000,
    maxSnapshots: 0,
    maxWals: 0,
    initialCluster: "",
    initialClusterState: "new",
    initialClusterToken: "",
    initialAdvertisePeerUrls: PEER_URLS,
    strictReconfigCheck: false,
    forceNewCluster: false,
    takeOverV3Data: false,
    etcd3Peers: false,
  };
}
