// One replica of the log and of what it applies to: disk, driver, network, store and membership,
// connected. No policy lives here; server.ts decides when to stop and what to propose.
//
//   proposals ──► RaftNode ──► Wal, Snapshotter
//       ▲           │ └──────► HttpTransport ──► peers
//    answers        ▼
//       └──────── Machine ──► Store, Cluster

import { randomInt } from "node:crypto";
import { NONE, type NodeId } from "@kv/raft";
import { RaftNode } from "@kv/raft/node";
import { HttpTransport, WarningLimiter, type RaftReceiver } from "@kv/rafthttp";
import type { Store } from "@kv/store";
import { Applier } from "./applier.ts";
import type { Bootstrapped } from "./bootstrap.ts";
import type { Clock } from "./clock.ts";
import { Cluster } from "./cluster.ts";
import {
  CATCH_UP_ENTRIES,
  MAX_INFLIGHT_APPENDS,
  releaseOf,
  requestTimeoutMs,
  type ServerConfig,
} from "./config.ts";
import { IdGenerator } from "./id-generator.ts";
import { Leadership } from "./leadership.ts";
import type { Logger } from "./logger.ts";
import { LoneSaves } from "./lone-saves.ts";
import { Machine } from "./machine.ts";
import { Membership } from "./membership.ts";
import type { DurationHistogram } from "./metrics.ts";
import { Proposals } from "./proposals.ts";
import type { Member } from "./server-api.ts";
import { RaftProfile } from "./raft-profile.ts";
import { Snapshots } from "./snapshots.ts";
import type { Stats } from "./stats/stats.ts";

/** What a replica tells the server. */
export interface ReplicaEvents {
  /** It cannot go on; it has stopped taking part. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** This member was removed: its own log says so, or others do. May be called more than once. */
  readonly onRemoved: (by: "log" | "peers") => void;
  readonly onLeader: (leader: NodeId, term: number) => void;
  /** A cluster version was set; `previous` is null the first time. */
  readonly onVersion: (version: string, previous: string | null) => void;
}

export interface ReplicaDeps {
  /** For the lines of the server; the transport's go to a child of `rootLogger`. */
  readonly logger: Logger;
  readonly rootLogger: Logger;
  readonly clock: Clock;
  readonly stats: Stats;
  /** How many reads this member has answered. */
  readonly readCount: () => number;
  readonly events: ReplicaEvents;
}

/** A running replica. Owns the log, the driver and the transport. */
export class Replica {
  readonly id: NodeId;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly applier: Applier;
  readonly proposals: Proposals;
  readonly membership: Membership;
  readonly leadership: Leadership;
  readonly transport: HttpTransport;
  readonly node: RaftNode;
  readonly profile: RaftProfile;
  readonly snapshots: Snapshots;
  readonly fsyncDurations: DurationHistogram;
  /** When entries were last applied, in monotonic milliseconds. */
  appliedAtMs: number = Number.NEGATIVE_INFINITY;
  readonly #started: Bootstrapped;
  readonly #deps: ReplicaDeps;
  /** Members the transport has been told of as peers. */
  readonly #connected = new Set<NodeId>();

  /** Entries up to here were committed before this start, or name the first members of a new cluster. */
  readonly #replayUntil: number;
  #hasReplayed = false;

  constructor(config: ServerConfig, started: Bootstrapped, deps: ReplicaDeps) {
    const { clock, logger, events } = deps;
    this.#replayUntil = started.peers?.length ?? started.memory.initialState().hardState.commit;
    this.#started = started;
    this.fsyncDurations = started.storage.fsyncDurations;
    this.#deps = deps;
    this.id = started.id;
    this.store = started.store;
    this.cluster = new Cluster(started.clusterId, this.store, {
      onVersion: events.onVersion,
      ownVersion: releaseOf(config).version,
      forgetsNewerVersions: config.takeOverV3Data,
    });
    const ids = new IdGenerator(this.id, clock.unixMs());
    const timeoutMs = requestTimeoutMs(config);
    this.leadership = new Leadership({
      id: this.id,
      electionMs: config.electionMs,
      now: () => clock.now(),
      activeSince: (id) => this.transport.activeSince(id),
      peers: () => this.#others().map((member) => member.id),
    });
    this.proposals = new Proposals({
      ids,
      timeoutMs,
      now: () => clock.now(),
      submit: (data) => this.node.submit(data),
      defer: (callback) => clock.defer(callback),
      timeoutCause: (startMs) => this.leadership.timeoutCause(startMs),
    });
    this.membership = new Membership({
      ids,
      timeoutMs,
      submit: (change) => void this.node.submitConfChange(change),
      after: (delayMs, callback) => clock.after(delayMs, callback),
    });
    this.applier = new Applier(
      {
        store: this.store,
        cluster: this.cluster,
        ids,
        requests: this.proposals,
        confChanges: this.membership.waiting,
        members: {
          memberAdded: (member) => this.#connect(member),
          memberUpdated: (member) => this.transport.updatePeer(member.id, member.peerUrls),
          memberRemoved: (id) => this.#removed(id),
        },
        onForeignEntry: (index) =>
          logger.warn("skipped an entry that is no v2 request", { raftIndex: index }),
      },
      started.applied,
    );
    this.snapshots = new Snapshots(
      {
        snapshotCount: config.snapshotCount,
        logger,
        freeze: () => this.store.freeze(),
        confState: () => this.node.appliedConfState,
        save: (index, confState, data) =>
          this.node.createSnapshot({ index, confState, data, keepEntries: CATCH_UP_ENTRIES }),
        now: () => clock.now(),
        yieldLoop: () => new Promise((resolve) => clock.defer(resolve)),
        onFatal: events.onFatal,
      },
      started.applied.index,
    );
    this.profile = new RaftProfile({
      logger,
      others: () => this.#othersIfKnown(),
      dialect: (id) => this.transport.dialect(id),
      setCompat: (compat) => this.node.setCompat(compat),
      defer: (callback) => clock.defer(callback),
    });
    this.transport = this.#openTransport(config);
    this.#meetMembers();
    this.node = this.#startNode(config);
    this.#campaignIfAlone(started.applied.index);
  }

  /** Ends in the order in which nothing is lost: the driver finishes its save, then network, log and lock go. */
  async close(): Promise<void> {
    await this.snapshots.settle();
    await this.node.stop();
    await this.transport.close();
    await this.#started.storage.release();
  }

  /** Removes old segments and snapshots that nothing needs. @throws {WalError} */
  async purge(config: Pick<ServerConfig, "maxSnapshots" | "maxWals">): Promise<void> {
    for (const file of await this.#started.storage.purge(config))
      this.#deps.logger.info("purged file", { file });
  }

  #openTransport(config: ServerConfig): HttpTransport {
    const { clock, stats, rootLogger } = this.#deps;
    return new HttpTransport(
      {
        id: this.id,
        clusterId: this.cluster.id,
        peerUrls: config.initialAdvertisePeerUrls,
        version: releaseOf(config).version,
        minClusterVersion: releaseOf(config).minCluster,
        tls: config.peerTls ?? null,
        dialTimeoutMs: 1_000 + config.electionMs / 5,
      },
      { receiver: this.#receiver(), stats, clock, logger: rootLogger.child({ pkg: "rafthttp" }) },
    );
  }

  #receiver(): RaftReceiver {
    return {
      process: (message) => {
        this.node.step(message);
      },
      isRemoved: (id) => this.cluster.isRemoved(id),
      reportUnreachable: (id) => this.node.reportUnreachable(id),
      reportSnapshot: (id, delivered) => this.node.reportSnapshot(id, delivered),
      peerDialect: () => this.profile.changed(),
      removedByCluster: () => this.#deps.events.onRemoved("peers"),
    };
  }

  #startNode(config: ServerConfig): RaftNode {
    const { clock, events, logger } = this.#deps;
    const started = this.#started;
    const electionTick = Math.floor(config.electionMs / config.heartbeatMs);
    const node = new RaftNode({
      raft: {
        id: this.id,
        electionTick,
        heartbeatTick: 1,
        applied: started.applied.index,
        maxInflightMsgs: MAX_INFLIGHT_APPENDS,
        compat: this.profile.compat,
        random: (n) => randomInt(n),
      },
      memory: started.memory,
      stable: new LoneSaves(started.storage, this.#deps.readCount),
      transport: this.transport,
      machine: new Machine({
        applier: this.applier,
        store: this.store,
        cluster: this.cluster,
        onApplied: (index) => {
          this.appliedAtMs = clock.now();
          this.snapshots.applied(index);
          this.#campaignIfAlone(index);
        },
        onRestored: (index) => this.#restored(index),
      }),
      clock,
      tickMs: config.heartbeatMs,
      // A new cluster has no leader to wait for; a member that comes back must first listen.
      initialTicks: started.peers === null ? 0 : electionTick - 1,
      ...(started.peers === null ? {} : { bootstrap: started.peers }),
      onFatal: events.onFatal,
    });
    node.on("membership", ({ voters }) => {
      this.profile.changed();
      // The first entries of a new cluster are its members, and none of them is a request.
      if (voters.length === started.peers?.length) this.#campaignIfAlone(this.#replayUntil);
    });
    const warnings = new WarningLimiter(logger, clock);
    node.on("forged", ({ from, term, commit }) => {
      warnings.warn("refused a heartbeat with a commit index that this member has never acknowledged", {
        from,
        term,
        commit,
      });
    });
    node.on("leader", ({ lead, term }) => {
      if (lead === this.leadership.leader) return; // only the role has changed
      events.onLeader(lead, term);
      this.leadership.changed(lead);
      // From inside the loop nothing can be proposed; in the next turn it can.
      if (lead !== NONE) clock.defer(() => this.proposals.leaderKnown());
    });
    return node;
  }

  /** Whom this member knows before its log has said anything. */
  #meetMembers(): void {
    const { applied, known } = this.#started;
    if (applied.index > 0) this.cluster.recover();
    this.cluster.learn(known);
    // Until the log names a member as a peer, answers to it must find a way too.
    for (const member of known)
      if (member.id !== this.id) this.transport.addRemote(member.id, member.peerUrls);
    for (const member of this.#others()) this.#connect(member);
  }

  /** Nobody else could win: a lone member that has applied what it knows need not wait an election timeout. */
  #campaignIfAlone(appliedIndex: number): void {
    if (this.#hasReplayed || appliedIndex < this.#replayUntil) return;
    this.#hasReplayed = true;
    this.profile.changed();
    const { voters } = this.node.appliedConfState;
    if (voters.length !== 1 || voters[0] !== this.id) return;
    // In the turn after this one, when raft knows as well that everything is applied.
    this.#deps.clock.defer(() => this.node.campaign());
  }

  #restored(index: number): void {
    this.snapshots.received(index);
    for (const id of this.#connected) this.transport.removePeer(id);
    this.#connected.clear();
    for (const member of this.#others()) this.#connect(member);
    this.profile.changed();
  }

  #connect(member: Member): void {
    if (member.id === this.id) return;
    this.#connected.add(member.id);
    this.transport.addPeer(member.id, member.peerUrls);
  }

  #removed(id: NodeId): void {
    if (id === this.id) {
      this.#deps.events.onRemoved("log");
      return;
    }
    this.#connected.delete(id);
    this.#deps.stats.removeFollower(id);
    this.transport.removePeer(id);
  }

  /** While the log is replayed, members are missing that it adds later. */
  #othersIfKnown(): readonly NodeId[] | null {
    if (!this.#hasReplayed || this.cluster.member(this.id) === null) return null;
    return this.#others().map((member) => member.id);
  }

  #others(): readonly Member[] {
    return this.cluster.members().filter((member) => member.id !== this.id);
  }
}
