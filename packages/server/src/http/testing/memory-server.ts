// A member without raft, log and network: what is asked is done at once in a store in memory. For
// tests of the HTTP face; the semantics are the store's (client-api.md §3.4).

import { parseNodeId } from "@kv/raft/codec";
import { ProgressState, Role, type NodeId } from "@kv/raft";
import { Store, type Listing, type StoreEvent, type StoreStats } from "@kv/store";
import type { Request } from "../../request.ts";
import {
  MemberError,
  resultOf,
  type FollowerStats,
  type Member,
  type RaftStatus,
  type Result,
  type SelfStats,
  type Server,
} from "../../server-api.ts";

const SELF = parseNodeId("8e9e05c52164694d");

/** A single member that applies everything immediately. Its fields may be changed by tests. */
export class MemoryServer implements Server {
  readonly id: NodeId = SELF;
  readonly clusterId: string = "cdf818194e3a8c32";
  leader: NodeId = SELF;
  readonly version = "2.3.8";
  clusterVersion: string | null = "2.3.0";
  isWell = true;
  followers: ReadonlyMap<NodeId, FollowerStats> | null = new Map();
  raftIndex = 4;
  sendPackageRate = 0;
  readonly raftTerm = 2;
  readonly store: Store;
  readonly now: () => bigint;
  readonly #members: Member[] = [
    {
      id: SELF,
      name: "memory",
      peerUrls: ["http://localhost:2380"],
      clientUrls: ["http://localhost:2379"],
    },
  ];

  constructor(now: () => bigint) {
    this.now = now;
    this.store = new Store({ namespaces: ["/0", "/1"], now });
  }

  get etcdIndex(): number {
    return this.store.index;
  }

  members(): readonly Member[] {
    return this.#members;
  }

  /** Reads and watches at once, the rest as a promise, as the real server does. */
  do(request: Request): Result | Promise<Result> {
    if (request.method === "GET" && request.wait && !request.quorum) {
      return { event: null, listing: null, watcher: this.store.watch(request.path, request) };
    }
    if (request.method === "GET" && !request.quorum) return resultOf(this.#get(request));
    if (request.method === "HEAD") return resultOf(this.#get(request));
    this.raftIndex++;
    return this.#apply(request);
  }

  /** What the leader does every 500 ms. */
  sync(): void {
    this.store.deleteExpired(this.now());
  }

  peek(path: string): string | null {
    return this.store.peek(path);
  }

  names(path: string): readonly string[] {
    return this.store.names(path);
  }

  isHealthy(): boolean {
    return this.isWell;
  }

  async addMember(peerUrls: readonly string[]): Promise<Member> {
    const member: Member = { id: parseNodeId("abc"), name: "", peerUrls, clientUrls: [] };
    this.#members.push(member);
    return member;
  }

  async removeMember(id: NodeId): Promise<void> {
    this.#members.splice(this.#indexOf(id), 1);
  }

  async updateMember(id: NodeId, peerUrls: readonly string[]): Promise<void> {
    const at = this.#indexOf(id);
    const old = this.#members[at];
    if (old !== undefined) this.#members[at] = { ...old, peerUrls };
  }

  selfStats(): SelfStats {
    return {
      name: "memory",
      id: SELF,
      state: "StateLeader",
      startTimeMs: 1_700_000_000_120,
      leader: SELF,
      leaderStartTimeMs: 1_700_000_001_000,
      recvAppendRequestCount: 0,
      recvPackageRate: 0,
      recvBandwidthRate: 0,
      sendAppendRequestCount: 7,
      sendPackageRate: this.sendPackageRate,
      sendBandwidthRate: 0,
    };
  }

  leaderStats(): ReadonlyMap<NodeId, FollowerStats> | null {
    return this.followers;
  }

  storeStats(): StoreStats {
    return this.store.stats();
  }

  raftStatus(): RaftStatus {
    const own = {
      match: this.raftIndex,
      next: this.raftIndex + 1,
      state: ProgressState.Replicate,
      paused: false,
      inflight: 0,
      recentActive: true,
      pendingSnapshot: 0,
      learner: false,
    };
    return {
      id: SELF,
      term: this.raftTerm,
      vote: SELF,
      commit: this.raftIndex,
      lead: this.leader,
      role: Role.Leader,
      progress: { [SELF]: own },
    };
  }

  #indexOf(id: NodeId): number {
    const at = this.#members.findIndex((member) => member.id === id);
    if (at < 0) throw new MemberError("E_ID_NOT_FOUND", "etcdserver: ID not found");
    return at;
  }

  async #apply(request: Request): Promise<Result> {
    return resultOf(this.#write(request));
  }

  #get(request: Request): StoreEvent | Listing {
    return this.store.read(request.path, request);
  }

  #write(request: Request): StoreEvent | Listing {
    const expiration = request.expiration === 0n ? null : request.expiration;
    const options = {
      dir: request.dir,
      value: request.val,
      expiration,
      refresh: request.refresh === true,
      prevValue: request.prevValue,
      prevIndex: request.prevIndex,
      recursive: request.recursive,
    };
    const isCompare = request.prevValue !== "" || request.prevIndex !== 0;
    if (request.method === "POST") return this.store.create(request.path, { ...options, unique: true });
    if (request.method === "DELETE") {
      if (isCompare) return this.store.compareAndDelete(request.path, options);
      return this.store.delete(request.path, options);
    }
    if (request.method !== "PUT") return this.#get(request);
    if (request.prevExist === false) return this.store.create(request.path, { ...options, unique: false });
    if (isCompare) return this.store.compareAndSwap(request.path, options);
    if (request.prevExist === true) return this.store.update(request.path, options);
    return this.store.set(request.path, options);
  }
}
