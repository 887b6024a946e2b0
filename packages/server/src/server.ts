// One member of a cluster: what clients and operators may ask of it, and when it stops.
// Open this file first; replica.ts connects the parts below it (architecture §5, §6.7).

import { ConfChangeType, NONE, type NodeId } from "@kv/raft";
import type { HttpHandler } from "@kv/rafthttp";
import { ErrorCode, EtcdError, type StoreStats } from "@kv/store";
import { nodeFileSystem, type FileSystem } from "@kv/wal";
import { bootstrap, type Bootstrapped } from "./bootstrap.ts";
import { bootstrapInMemory, memoryServerConfig, type MemoryServerConfig } from "./memory.ts";
import { systemClock, type Clock } from "./clock.ts";
import { releaseOf, REMOVED_STOP_DELAY_MS, type ServerConfig } from "./config.ts";
import { Duties } from "./duties.ts";
import { peerHandler } from "./http/peer-handler.ts";
import type { Logger } from "./logger.ts";
import { memberId, newMember } from "./member.ts";
import type { ServerMetrics } from "./metrics.ts";
import { checkQuorumAfterAdd, checkQuorumAfterRemove } from "./reconfig-check.ts";
import { Replica } from "./replica.ts";
import type { Request } from "./request.ts";
import {
  MemberError,
  resultOf,
  type FollowerStats,
  type Member,
  type RaftStatus,
  type Result,
  type SelfStats,
  type Server,
} from "./server-api.ts";
import { Stats } from "./stats/stats.ts";
import { parseUrls } from "./urls.ts";

/** Why a member has stopped: it was asked to, or the cluster has removed it. */
export type StopReason = "closed" | "removed";

/** What a server is given from outside. */
export interface ServerDeps {
  readonly logger: Logger;
  /** The machine's clock unless a test brings its own. */
  readonly clock?: Clock;
  /** The machine's disk unless a test brings its own. */
  readonly fileSystem?: FileSystem;
}

// A healthy cluster applies the leader's clock every 500 ms; three of them missed is not healthy.
const HEALTHY_WITHIN_MS = 1_500;

/**
 * Starts a member: new, joining, or from its disk.
 *
 * @throws {StartError} why it cannot; nothing runs then.
 */
export async function createServer(config: ServerConfig, deps: ServerDeps): Promise<EtcdServer> {
  const clock = deps.clock ?? systemClock;
  const logger = deps.logger.child({ pkg: "etcdserver" });
  const fileSystem = deps.fileSystem ?? nodeFileSystem;
  const started = await bootstrap(config, { logger, fileSystem, now: () => clock.unixNanos() });
  return new EtcdServer(config, started, { logger: deps.logger, clock });
}

/**
 * Starts the only member of a cluster that is kept in memory and forgotten with it: for tests of programs
 * that talk to a server.
 *
 * Everything but the disk is that of `createServer`. It leads after a few turns of the event loop, has no
 * peers and needs no peer URL.
 */
export function createMemoryServer(
  config: MemoryServerConfig,
  deps: Omit<ServerDeps, "fileSystem">,
): EtcdServer {
  const clock = deps.clock ?? systemClock;
  const started = bootstrapInMemory(config, () => clock.unixNanos());
  return new EtcdServer(memoryServerConfig(config), started, { logger: deps.logger, clock });
}

/** A running member. */
export class EtcdServer implements Server, AsyncDisposable {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  /** To be mounted on the peer listeners. */
  readonly peerHandler: HttpHandler;
  /** Resolves when the member has stopped; rejects with what made it impossible to go on. */
  readonly stopped: Promise<StopReason>;

  readonly #config: ServerConfig;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #raftLogger: Logger;
  readonly #stats: Stats;
  readonly #replica: Replica;
  readonly #duties: Duties;
  readonly #stop: PromiseWithResolvers<StopReason> = Promise.withResolvers();
  #closing: Promise<void> | null = null;
  #leaderChangeCount = 0;
  #readCount = 0;
  #recursiveReadCount = 0;
  #watchCount = 0;

  /**
   * Use `createServer`.
   *
   * @internal
   */
  constructor(
    config: ServerConfig,
    started: Bootstrapped,
    deps: { readonly logger: Logger; readonly clock: Clock },
  ) {
    const { clock } = deps;
    const logger = deps.logger.child({ pkg: "etcdserver" });
    this.id = started.id;
    this.clusterId = started.clusterId;
    this.stopped = this.#stop.promise;
    this.stopped.catch(() => {}); // logged when it happens; whoever awaits `stopped` gets it as well
    this.#config = config;
    this.#clock = clock;
    this.#logger = logger;
    this.#raftLogger = deps.logger.child({ pkg: "raft" });
    this.#stats = new Stats(config.name, this.id, clock);
    this.#announceStart(started);
    this.#replica = new Replica(config, started, {
      logger,
      rootLogger: deps.logger,
      clock,
      stats: this.#stats,
      readCount: () => this.#readCount + this.#recursiveReadCount,
      events: {
        onFatal: (error) => this.#fatal(error),
        onRemoved: (by) => this.#removed(by),
        onLeader: (leader, term) => this.#leaderChanged(leader, term),
        onVersion: (version, previous) => this.#versionSet(version, previous),
      },
    });
    this.peerHandler = peerHandler(this, this.#replica.transport.handler);
    this.#duties = new Duties({
      config,
      clock,
      logger,
      replica: this.#replica,
      onFatal: (error) => this.#fatal(error),
    });
  }

  get leader(): NodeId {
    return this.#replica.leadership.leader;
  }

  get etcdIndex(): number {
    return this.#replica.store.index;
  }

  get raftIndex(): number {
    return this.#replica.applier.index;
  }

  get raftTerm(): number {
    return this.#replica.applier.term;
  }

  get version(): string {
    return releaseOf(this.#config).version;
  }

  get clusterVersion(): string | null {
    return this.#replica.cluster.version;
  }

  members(): readonly Member[] {
    return this.#replica.cluster.members();
  }

  do(request: Request): Result | Promise<Result> {
    const { proposals } = this.#replica;
    switch (request.method) {
      case "GET":
        if (request.quorum) {
          request.method = "QGET";
          this.#countRead(request);
          return proposals.propose(request);
        }
        return request.wait ? this.#watch(request) : this.#get(request);
      case "HEAD":
        return this.#get(request);
      case "QGET":
      case "PUT":
      case "POST":
      case "DELETE":
        return proposals.propose(request);
      case "SYNC":
        break;
    }
    throw new EtcdError(ErrorCode.InvalidField, "SYNC is no request of a client", 0);
  }

  names(path: string): readonly string[] {
    this.#readCount++;
    return this.#replica.store.names(path);
  }

  peek(path: string): string | null {
    return this.#replica.store.peek(path);
  }

  isHealthy(): boolean {
    return this.leader !== NONE && this.#clock.now() - this.#replica.appliedAtMs < HEALTHY_WITHIN_MS;
  }

  async addMember(peerUrls: readonly string[]): Promise<Member> {
    const urls = parseUrls(peerUrls);
    if (this.#config.strictReconfigCheck) checkQuorumAfterAdd(this.members());
    const seconds = Math.floor(this.#clock.unixMs() / 1_000);
    const member = newMember(memberId(urls, "", seconds), urls);
    await this.#replica.membership.change(ConfChangeType.AddNode, member.id, member);
    return member;
  }

  async removeMember(id: NodeId): Promise<void> {
    if (this.#config.strictReconfigCheck) checkQuorumAfterRemove(this.members(), id);
    await this.#replica.membership.change(ConfChangeType.RemoveNode, id, null);
  }

  async updateMember(id: NodeId, peerUrls: readonly string[]): Promise<void> {
    const { cluster, membership } = this.#replica;
    if (cluster.member(id) === null && !cluster.isRemoved(id)) {
      throw new MemberError("E_ID_NOT_FOUND", "etcdserver: ID not found");
    }
    await membership.change(ConfChangeType.UpdateNode, id, newMember(id, parseUrls(peerUrls)));
  }

  selfStats(): SelfStats {
    return this.#stats.self();
  }

  leaderStats(): ReadonlyMap<NodeId, FollowerStats> | null {
    return this.#replica.leadership.isOwn ? this.#stats.followers() : null;
  }

  storeStats(): StoreStats {
    return this.#replica.store.stats();
  }

  raftStatus(): RaftStatus {
    return this.#replica.node.status();
  }

  /** What was counted since the start. The histograms go on counting; the rest is of now. */
  metrics(): ServerMetrics {
    const { proposals, snapshots, fsyncDurations, store, applier } = this.#replica;
    const { unstableOffset, commit } = this.#replica.node.status();
    return {
      walFsync: fsyncDurations,
      snapshotEncode: snapshots.encodeDurations,
      snapshotSave: snapshots.saveDurations,
      proposal: proposals.durations,
      proposalsPending: proposals.waiting.size,
      proposalsFailed: proposals.failedCount,
      hasLeader: this.leader !== NONE,
      leaderChanges: this.#leaderChangeCount,
      isModern: this.#replica.profile.compat === "modern",
      savedIndex: unstableOffset - 1,
      committedIndex: commit,
      appliedIndex: applier.index,
      reads: this.#readCount,
      recursiveReads: this.#recursiveReadCount,
      watchRequests: this.#watchCount,
      sentAppends: this.#stats.sentAppends(),
      store: store.stats(),
    };
  }

  /** Answers who waits, finishes the save in flight and gives the directory back. May be called twice. */
  close(): Promise<void> {
    return this.#shutDown("closed");
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #countRead(request: Request): void {
    if (request.recursive) this.#recursiveReadCount++;
    else this.#readCount++;
  }

  #get(request: Request): Result {
    const { recursive, sorted } = request;
    this.#countRead(request);
    return resultOf(this.#replica.store.read(request.path, { recursive, sorted }));
  }

  #watch(request: Request): Result {
    const { recursive, stream, since } = request;
    this.#watchCount++;
    const watcher = this.#replica.store.watch(request.path, { recursive, stream, since });
    return { event: null, listing: null, watcher };
  }

  // Scripts wait for these texts (server-flags.md §5, readiness), here and below.
  #leaderChanged(leader: NodeId, term: number): void {
    const previous = this.leader;
    if (previous !== NONE)
      this.#raftLogger.info(`raft.node: ${this.id} lost leader ${previous} at term ${term}`);
    if (leader === NONE) return;
    this.#leaderChangeCount++;
    this.#raftLogger.info(`raft.node: ${this.id} elected leader ${leader} at term ${term}`);
    if (leader !== this.id) return;
    this.#stats.becameLeader();
    // The node calls from inside its loop, where a proposal would come too early.
    this.#clock.defer(() => this.#duties.becameLeader());
  }

  #versionSet(version: string, previous: string | null): void {
    const [now, before] = [release(version), previous === null ? null : release(previous)];
    if (before === null) this.#logger.notice(`set the initial cluster version to ${now}`);
    else this.#logger.notice(`updated the cluster version from ${before} to ${now}`);
  }

  #announceStart(started: Bootstrapped): void {
    const { id, clusterId, memory } = started;
    const { commit } = memory.initialState().hardState;
    this.#logger.info(
      started.isRestart
        ? `restarting member ${id} in cluster ${clusterId} at commit index ${commit}`
        : `starting member ${id} in cluster ${clusterId}`,
    );
    this.#logger.info(`starting server... [version: ${this.version}, cluster version: to_be_decided]`);
  }

  /** A member that finds its own removal in its log answers reads a little longer; one that others refuse stops at once. */
  #removed(by: "log" | "peers"): void {
    this.#logger.error("the member has been permanently removed from the cluster");
    this.#logger.info("the data-dir used by this member must be removed.");
    this.#clock.after(by === "log" ? REMOVED_STOP_DELAY_MS : 0, () => void this.#shutDown("removed"));
  }

  /** The replica has stopped taking part already; nobody who waits gets an answer, because none is known. */
  #fatal(error: unknown): void {
    this.#logger.error("stopping: this member cannot go on", {
      reason: error instanceof Error ? error.message : String(error),
    });
    this.#duties.stop();
    this.#stop.reject(error);
  }

  #shutDown(reason: StopReason): Promise<void> {
    this.#closing ??= this.#end(reason);
    return this.#closing;
  }

  async #end(reason: StopReason): Promise<void> {
    this.#duties.stop();
    this.#replica.proposals.stop();
    this.#replica.membership.stop();
    try {
      await this.#replica.close();
      this.#stop.resolve(reason);
    } catch (error) {
      this.#stop.reject(error);
    }
  }
}

function release(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
