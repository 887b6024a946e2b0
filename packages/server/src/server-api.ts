// What the HTTP face may ask of a member. Everything that crosses is plain data, so that the face
// can later run in other threads (architecture §6.6, §6.7).

import type { NodeId, Status } from "@kv/raft";
import { Listing, type StoreEvent, type StoreStats, type Watcher } from "@kv/store";
import type { Request } from "./request.ts";

/** A member as clients see it. URL lists are sorted and never missing; `name` is "" until it has started. */
export interface Member {
  readonly id: NodeId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** The answer to a request: what happened, a large directory (to be walked or closed), or a watcher that will tell. */
export type Result =
  | { readonly event: StoreEvent; readonly listing: null; readonly watcher: null }
  | { readonly event: null; readonly listing: Listing; readonly watcher: null }
  | { readonly event: null; readonly listing: null; readonly watcher: Watcher };

/** What the store has done or read, as an answer. */
export function resultOf(done: StoreEvent | Listing): Result {
  return done instanceof Listing
    ? { event: null, listing: done, watcher: null }
    : { event: done, listing: null, watcher: null };
}

/** Why a membership change was refused. */
export type MemberErrorCode =
  | "E_ID_EXISTS"
  | "E_PEER_URL_EXISTS"
  | "E_ID_NOT_FOUND"
  | "E_ID_REMOVED"
  | "E_BAD_CONTEXT"
  | "E_NOT_ENOUGH_STARTED"
  | "E_TIMEOUT"
  | "E_STOPPED";

/** A refused or unfinished membership change. The message is what etcd prints. */
export class MemberError extends Error {
  override readonly name = "MemberError";
  readonly code: MemberErrorCode;

  constructor(code: MemberErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Figures of `/v2/stats/self`; rates are per second and 0 when idle. Times are Unix milliseconds. */
export interface SelfStats {
  readonly name: string;
  readonly id: NodeId;
  readonly state: "StateLeader" | "StateFollower";
  readonly startTimeMs: number;
  readonly leader: NodeId;
  readonly leaderStartTimeMs: number;
  readonly recvAppendRequestCount: number;
  readonly recvPackageRate: number;
  readonly recvBandwidthRate: number;
  readonly sendAppendRequestCount: number;
  readonly sendPackageRate: number;
  readonly sendBandwidthRate: number;
}

/** One follower in `/v2/stats/leader`; latencies in milliseconds. */
export interface FollowerStats {
  readonly latency: {
    readonly current: number;
    readonly average: number;
    readonly standardDeviation: number;
    readonly minimum: number;
    readonly maximum: number;
  };
  readonly fail: number;
  readonly success: number;
}

/** Where this member's raft stands. `progress` is null elsewhere than on the leader. */
export type RaftStatus = Pick<Status, "id" | "term" | "vote" | "commit" | "lead" | "role" | "progress">;

/** What the HTTP face sees of a running member. */
export interface Server {
  readonly id: NodeId;
  /** Lower-case hex without leading zeros. */
  readonly clusterId: string;
  /** "0" while none is known. */
  readonly leader: NodeId;
  /** Store index: `X-Etcd-Index`. */
  readonly etcdIndex: number;
  /** Index of the last applied entry: `X-Raft-Index`. */
  readonly raftIndex: number;
  /** Term of the last applied entry: `X-Raft-Term`. */
  readonly raftTerm: number;
  /** The release that is announced: `2.3.8`. */
  readonly version: string;
  /** `2.3.0`, or null while undecided. */
  readonly clusterVersion: string | null;
  /** Ascending by numeric id. */
  members(): readonly Member[];

  /**
   * Carries out a request. A plain GET or a watch is answered at once, from memory; the rest goes
   * through the log. The request's id is set here.
   *
   * @throws {EtcdError} what the store refused (thrown at once or as a rejection), or 300 on timeout and shutdown.
   */
  do(request: Request): Result | Promise<Result>;

  /** The value that this member has for a file, by its store path (`/2/enabled`); null when there is none. */
  peek(path: string): string | null;

  /**
   * The names in a directory, hidden ones excepted, as this member has them; a read like any other.
   *
   * @throws {EtcdError} what the store refused.
   */
  names(path: string): readonly string[];

  /** Whether there is a leader and the log moves. */
  isHealthy(): boolean;

  /**
   * Adds a member that has not started yet; resolves when this member has applied the change.
   *
   * @throws {MemberError}
   */
  addMember(peerUrls: readonly string[]): Promise<Member>;
  /**
   * Removes a member for good; resolves when this member has applied the change.
   *
   * @throws {MemberError}
   */
  removeMember(id: NodeId): Promise<void>;
  /**
   * Gives a member other peer URLs; resolves when this member has applied the change.
   *
   * @throws {MemberError}
   */
  updateMember(id: NodeId, peerUrls: readonly string[]): Promise<void>;

  /** What `/v2/stats/self` tells; a copy. */
  selfStats(): SelfStats;
  /** null when this member is not the leader. Keys are member ids. */
  leaderStats(): ReadonlyMap<NodeId, FollowerStats> | null;
  /** What the store has counted since it was new, over restarts; a copy. */
  storeStats(): StoreStats;
  /** Where this member's raft stands now; a copy. */
  raftStatus(): RaftStatus;
}
