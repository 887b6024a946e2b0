// Single messages by POST /raft: the way for snapshots, and for everything while a stream is down.
// Spec: peer-protocol.md §4.

import { Readable } from "node:stream";
import { isKnownToEtcd2, MessageType, type Message, type NodeId } from "@kv/raft";
import { encodeMessage, messageSize } from "@kv/raft/codec";
import { ANNOUNCEMENT_HEADER, dialectOf, type Announcements } from "./announcement.ts";
import type { TransportContext } from "./context.ts";
import { TransportError } from "./errors.ts";
import type { WarningLimiter } from "./log.ts";
import type { PeerStatus } from "./peer-status.ts";
import { readText } from "./response-text.ts";
import { messageSlices } from "./snapshot-body.ts";
import type { UrlPicker } from "./url-picker.ts";

/** Messages that wait for a free sender. */
const QUEUE_LIMIT = 64;
/** Requests under way at a time. */
const SENDER_COUNT = 4;
/** An answer to a small message that takes longer than this comes from a peer that hangs. */
const POST_TIMEOUT_MS = 10_000;
/** As long as etcd's server reads one request: a large snapshot over a thin line takes its time. */
const SNAPSHOT_TIMEOUT_MS = 300_000;

/** What a pipeline needs to know about the member it sends to. */
export interface PipelineTarget {
  readonly id: NodeId;
  readonly picker: UrlPicker;
  readonly status: PeerStatus;
  readonly warnings: WarningLimiter;
  /** Where to note what the member says of itself in its answers; null if nobody asks. */
  readonly announcements: Announcements | null;
}

/**
 * Posts messages to one member: 64 may wait while 4 are under way, so their order is not kept. None
 * is sent twice: raft retries what matters.
 */
export class Pipeline {
  readonly sendingType = "pipeline";
  readonly #context: TransportContext;
  readonly #target: PipelineTarget;
  readonly #queue: Message[] = [];
  readonly #inFlight = new Set<AbortController>();
  #isStopped = false;

  constructor(context: TransportContext, target: PipelineTarget) {
    this.#context = context;
    this.#target = target;
  }

  /**
   * Takes a message, unless the queue is full or the pipeline stopped. Its fate is reported to the receiver
   * and the statistics. What etcd 2.x misreads is not taken: who will answer a post is not known before it is sent.
   */
  send(message: Message): boolean {
    if (this.#isStopped || !isKnownToEtcd2(message.type)) return false;
    if (this.#inFlight.size < SENDER_COUNT) {
      this.#start(message);
      return true;
    }
    if (this.#queue.length >= QUEUE_LIMIT) return false;
    this.#queue.push(message);
    return true;
  }

  /** Drops what waits and breaks off what is under way; nothing is reported any more. */
  stop(): void {
    this.#isStopped = true;
    this.#queue.length = 0;
    for (const controller of this.#inFlight)
      controller.abort(new TransportError("E_CLOSED", "the peer was stopped"));
  }

  #start(message: Message): void {
    const controller = new AbortController();
    this.#inFlight.add(controller);
    void this.#post(message, controller); // handles its own failure
  }

  async #post(message: Message, controller: AbortController): Promise<void> {
    const { clock } = this.#context;
    const origin = this.#target.picker.pick();
    const timeoutMs = message.type === MessageType.Snap ? SNAPSHOT_TIMEOUT_MS : POST_TIMEOUT_MS;
    const startedAt = clock.now();
    const cancelTimeout = clock.after(timeoutMs, () => {
      controller.abort(new TransportError("E_TIMEOUT", `no answer within ${timeoutMs} ms`));
    });
    let failure: unknown = null;
    try {
      await this.#request(message, origin, controller.signal);
    } catch (error) {
      failure = error;
    }
    cancelTimeout();
    this.#inFlight.delete(controller);
    if (this.#isStopped) return;

    if (failure === null) this.#succeeded(message, clock.now() - startedAt);
    else this.#failed(message, origin, failure);
    const next = this.#queue.shift();
    if (next !== undefined) this.#start(next);
  }

  async #request(message: Message, origin: string, signal: AbortSignal): Promise<void> {
    const sizeBytes = messageSize(message);
    const isSnapshot = message.type === MessageType.Snap;
    if (message.type === MessageType.App) this.#context.stats.sentAppend(this.#target.id, sizeBytes);
    const response = await this.#context.dispatcher.request({
      origin,
      path: "/raft",
      method: "POST",
      headers: {
        ...this.#context.headers,
        "content-type": "application/protobuf",
        "content-length": String(sizeBytes),
      },
      body: isSnapshot ? Readable.from(messageSlices(message)) : encodeMessage(message),
      signal,
      headersTimeout: 0, // the signal is the deadline
      bodyTimeout: 0,
    });
    const { headers } = response;
    if (headers["x-etcd-cluster-id"] === this.#context.clusterId && !this.#isStopped) {
      this.#target.announcements?.heard(dialectOf(headers[ANNOUNCEMENT_HEADER]));
    }
    const text = await readText(response.body);
    if (response.statusCode === 204) return;
    if (response.statusCode === 403 && !this.#isStopped) this.#context.receiver.removedByCluster();
    throw new TransportError(
      "E_STATUS",
      `POST /raft was answered with ${response.statusCode}: ${text.trim()}`,
    );
  }

  #succeeded(message: Message, latencyMs: number): void {
    const { receiver, stats } = this.#context;
    const { id, status } = this.#target;
    status.activate();
    if (message.type === MessageType.App) stats.followerSucceeded(id, latencyMs, this.sendingType);
    if (message.type === MessageType.Snap) receiver.reportSnapshot(id, true);
  }

  #failed(message: Message, origin: string, failure: unknown): void {
    const { receiver, stats } = this.#context;
    const { id, picker, status, warnings } = this.#target;
    const reason = failure instanceof Error ? failure.message : String(failure);
    picker.reportFailure(origin);
    status.deactivate(reason);
    warnings.warn("message could not be posted", { peer: id, url: origin, reason });
    if (message.type === MessageType.App) stats.followerFailed(id, this.sendingType);
    receiver.reportUnreachable(id);
    if (message.type === MessageType.Snap) receiver.reportSnapshot(id, false);
  }
}
