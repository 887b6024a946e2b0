// Carries raft messages between the members of one cluster over HTTP, as etcd 2.3 does.
//
//   send ─► Peer ─┬─ append stream ──┐            ┌─► handler  POST /raft ──┐
//                 ├─ message stream ─┼── network ─┤                         ├─► deliver ─► RaftReceiver
//                 └─ POST /raft ─────┘            └─► StreamReader ─────────┘
//
// Spec: peer-protocol.md.

import { NONE, type Message, type NodeId } from "@kv/raft";
import type { Agent } from "undici";
import type { PeerDialect } from "./announcement.ts";
import type { Clock } from "./clock.ts";
import { requestHeaders, type TransportContext } from "./context.ts";
import { createDispatcher, type PeerTlsSource } from "./dispatcher.ts";
import { TransportError } from "./errors.ts";
import { raftHandler } from "./handler.ts";
import type { HttpHandler } from "./http.ts";
import { WarningLimiter, type Logger } from "./log.ts";
import { Peer } from "./peer.ts";
import type { RaftReceiver } from "./receiver.ts";
import { Remote } from "./remote.ts";
import type { PeerStats } from "./stats.ts";
import { parseVersion } from "./versions.ts";

/** 1 s plus a fifth of etcd's default election timeout (peer-protocol.md §8). */
const DIAL_TIMEOUT_MS = 1_200;
/** Strangers may name themselves in a header: there is room for a large cluster, not for a flood. */
const REMOTE_LIMIT = 64;

/** Who we are and whom we serve. */
export interface HttpTransportOptions {
  readonly id: NodeId;
  readonly clusterId: NodeId;
  /** Our own advertised peer URLs. */
  readonly peerUrls: readonly string[];
  /** Our version, for example `2.3.8`. */
  readonly version: string;
  /** The lowest cluster version we can work with, for example `2.2.0`. */
  readonly minClusterVersion: string;
  /** null: https peers are verified by the system's roots and shown nothing. */
  readonly tls?: PeerTlsSource | null;
  /** For one attempt to connect. */
  readonly dialTimeoutMs?: number;
}

/** What the transport calls. */
export interface HttpTransportDeps {
  readonly receiver: RaftReceiver;
  readonly stats: PeerStats;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The network of one member.
 *
 * Concurrency per peer: two streams each way and at most four posts. Queues are bounded (4096
 * messages per stream, 64 per pipeline); what does not fit is dropped and reported.
 */
export class HttpTransport implements AsyncDisposable {
  /** To be mounted on the peer listeners: /raft and below; 404 for everything else. */
  readonly handler: HttpHandler;

  readonly #context: TransportContext;
  readonly #dispatcher: Agent;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #remotes = new Map<NodeId, Remote>();
  #closing: Promise<void> | null = null;

  /** @throws {TransportError} E_VERSION */
  constructor(options: HttpTransportOptions, deps: HttpTransportDeps) {
    const { id, clusterId, peerUrls } = options;
    const versions = { server: options.version, minCluster: options.minClusterVersion };
    const isAmongEtcd3 = parseVersion(versions.server).major >= 3;
    parseVersion(versions.minCluster);
    this.#dispatcher = createDispatcher({
      dialTimeoutMs: options.dialTimeoutMs ?? DIAL_TIMEOUT_MS,
      tls: options.tls ?? null,
    });
    this.#context = {
      id,
      clusterId,
      versions,
      isAmongEtcd3,
      receiver: deps.receiver,
      stats: deps.stats,
      clock: deps.clock,
      logger: deps.logger,
      dispatcher: this.#dispatcher,
      headers: requestHeaders({ id, clusterId, versions, peerUrls }),
    };
    const directory = {
      peer: (peerId: NodeId) => this.#peers.get(peerId) ?? null,
      addRemote: (remoteId: NodeId, urls: readonly string[]) => this.#addUnknown(remoteId, urls),
    };
    this.handler = raftHandler(this.#context, directory, new WarningLimiter(deps.logger, deps.clock));
  }

  /**
   * Hands messages over and returns; never blocks, waits or throws. A message to nobody, to a removed
   * member or to one that is not known is dropped; one that finds its queue full is dropped and
   * reported, and so is one that etcd 2.x cannot read while no message stream is open to a member that has
   * announced on it that it can. Hot path.
   */
  send(messages: readonly Message[]): void {
    if (this.#closing !== null) return;
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i]!;
      if (message.to === NONE) continue;
      const target = this.#peers.get(message.to) ?? this.#remotes.get(message.to);
      if (target !== undefined) target.send(message);
      else this.#context.logger.debug("message to an unknown member was dropped", { to: message.to });
    }
  }

  /**
   * Connects to a member. Does nothing if it is a peer already.
   *
   * @throws {TransportError} E_URL; E_CLOSED after `close`.
   */
  addPeer(id: NodeId, urls: readonly string[]): void {
    this.#assertOpen();
    if (id === this.#context.id || this.#peers.has(id)) return;
    this.#peers.set(id, new Peer(this.#context, id, urls));
    this.#context.logger.info("added peer", { peer: id });
  }

  /**
   * Uses other URLs for a peer from now on; open streams stay. Does nothing if it is not a peer.
   *
   * @throws {TransportError} E_URL
   */
  updatePeer(id: NodeId, urls: readonly string[]): void {
    this.#peers.get(id)?.update(urls);
  }

  /** Closes all connections to a member and forgets it. */
  removePeer(id: NodeId): void {
    this.#remotes.get(id)?.stop();
    this.#remotes.delete(id);
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.stop();
    this.#peers.delete(id);
    this.#context.logger.info("removed peer", { peer: id });
  }

  /**
   * Makes a member reachable that is not known to be a peer yet. A peer with this id, now or later,
   * takes precedence.
   *
   * @throws {TransportError} E_URL; E_CLOSED after `close`.
   */
  addRemote(id: NodeId, urls: readonly string[]): void {
    this.#assertOpen();
    if (id === this.#context.id || this.#peers.has(id) || this.#remotes.has(id)) return;
    this.#remotes.set(id, new Remote(this.#context, id, urls));
  }

  /** `clock.now()` since when a peer can be talked to; null if it cannot, or is not a peer. */
  activeSince(id: NodeId): number | null {
    return this.#peers.get(id)?.activeSince ?? null;
  }

  /** What a peer reads, as it said last; null while nothing was heard of it, or if it is not a peer. */
  dialect(id: NodeId): PeerDialect | null {
    return this.#peers.get(id)?.dialect ?? null;
  }

  /** Messages to a peer that found its queue full, or no connection that was safe for them; 0 if it is not a peer. */
  droppedCount(id: NodeId): number {
    return this.#peers.get(id)?.droppedCount ?? 0;
  }

  /** Ends all streams and requests. Resolves when our connections are closed; may be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.stop();
    for (const remote of this.#remotes.values()) remote.stop();
    this.#peers.clear();
    this.#remotes.clear();
    await this.#dispatcher.destroy();
  }

  // A dialler that we do not know and that names its URLs: it knows more than we do (peer-protocol.md §3, stream step 7).
  #addUnknown(id: NodeId, urls: readonly string[]): void {
    if (this.#closing !== null || this.#remotes.size >= REMOTE_LIMIT) return;
    try {
      this.addRemote(id, urls);
    } catch (error) {
      if (!(error instanceof TransportError && error.code === "E_URL")) throw error;
      this.#context.logger.debug("unknown member named bad URLs", { from: id });
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new TransportError("E_CLOSED", "the transport is closed");
  }
}
