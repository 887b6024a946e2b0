// The sending end of a stream: the body of an answer that the peer asked for and that never ends by
// itself. Spec: peer-protocol.md §5, §7. Hot path.

import { MessageType, type Message, type NodeId } from "@kv/raft";
import { Writer } from "@kv/raft/codec";
import type { TransportContext } from "./context.ts";
import { TransportError } from "./errors.ts";
import type { FrameEncoder } from "./frames.ts";
import type { SendingType } from "./stats.ts";

/** Messages that wait for the network. */
export const STREAM_QUEUE_LIMIT: number = 4096;
/** The peer gives up a stream on which it hears nothing for 5 s. */
export const LINK_HEARTBEAT_MS: number = 5_000 / 3;
/** A peer that takes nothing for so long has lost this stream, as with etcd's write timeout. */
const WRITE_TIMEOUT_MS = 5_000;
/** A chunk is closed once it has this size, so that a long queue is not encoded all at once. */
const CHUNK_BYTES = 1024 * 1024;

/** Told once, when a stream has ended; `reason` is null if we ended it ourselves. */
export type StreamEnded = (writer: StreamWriter, reason: string | null, lost: readonly Message[]) => void;

/**
 * The body of one stream answer, and the queue in front of it.
 *
 * What is queued in one turn leaves as one chunk. The next chunk is only made when the last one has
 * been taken by the network, so memory is bounded by the queue: at most 4096 messages wait.
 */
export class StreamWriter implements AsyncIterableIterator<Uint8Array> {
  readonly #context: TransportContext;
  readonly #peer: NodeId;
  readonly #encoder: FrameEncoder;
  readonly #onEnded: StreamEnded;
  #queue: Message[] = [];
  #headOffset = 0;
  #writer = new Writer();
  #waiting: ((result: IteratorResult<Uint8Array, undefined>) => void) | null = null;
  #isFlushScheduled = false;
  #isHeartbeatDue = false;
  #isEnded = false;
  #cutBy: TransportError | null = null;
  // The chunk that the network has not taken yet.
  #chunkIsOut = false;
  #chunkAt = 0;
  #chunkAppendCount = 0;
  #cancelHeartbeat: () => void;

  constructor(context: TransportContext, peer: NodeId, encoder: FrameEncoder, onEnded: StreamEnded) {
    this.#context = context;
    this.#peer = peer;
    this.#encoder = encoder;
    this.#onEnded = onEnded;
    this.#cancelHeartbeat = context.clock.after(LINK_HEARTBEAT_MS, this.#onHeartbeat);
  }

  get sendingType(): SendingType {
    return this.#encoder.sendingType;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Queues a message; false when the queue is full or the stream has ended. */
  send(message: Message): boolean {
    if (this.#isEnded || this.#queue.length - this.#headOffset >= STREAM_QUEUE_LIMIT) return false;
    this.#queue.push(message);
    this.#scheduleFlush();
    return true;
  }

  /** The next chunk; asking for it says that the network has taken the last one. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#acknowledgeChunk();
    if (this.#cutBy !== null) return Promise.reject(this.#cutBy);
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    const chunk = this.#encodeChunk();
    if (chunk !== null) return Promise.resolve({ done: false, value: chunk });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** The peer has left. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.end("the peer closed the stream");
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the body properly, after the chunk that is out. What is still queued is lost. */
  end(reason: string | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelHeartbeat();
    const lost = this.#queue.slice(this.#headOffset);
    this.#queue = [];
    this.#headOffset = 0;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.({ done: true, value: undefined });
    this.#onEnded(this, reason, lost);
  }

  // After the rest of this turn, so that all of its messages share a chunk.
  #scheduleFlush(): void {
    if (this.#waiting === null || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false;
    const waiting = this.#waiting;
    if (waiting === null) return;
    const chunk = this.#encodeChunk();
    if (chunk === null) return;
    this.#waiting = null;
    waiting({ done: false, value: chunk });
  };

  #encodeChunk(): Uint8Array | null {
    const { stats, clock } = this.#context;
    if (this.#isHeartbeatDue) this.#encoder.writeLinkHeartbeat(this.#writer);
    this.#isHeartbeatDue = false;
    while (this.#headOffset < this.#queue.length && this.#writer.length < CHUNK_BYTES) {
      const message = this.#queue[this.#headOffset++]!;
      const before = this.#writer.length;
      this.#encoder.write(this.#writer, message);
      if (message.type !== MessageType.App) continue;
      this.#chunkAppendCount++;
      stats.sentAppend(this.#peer, this.#writer.length - before);
    }
    if (this.#headOffset === this.#queue.length) {
      this.#queue = [];
      this.#headOffset = 0;
    }
    if (this.#writer.length === 0) return null;
    const chunk = this.#writer.take();
    if (chunk.length > 2 * CHUNK_BYTES) this.#writer = new Writer(); // one huge entry must not keep its room for ever
    this.#chunkIsOut = true;
    this.#chunkAt = clock.now();
    return chunk;
  }

  #acknowledgeChunk(): void {
    if (!this.#chunkIsOut) return;
    this.#chunkIsOut = false;
    const { stats, clock } = this.#context;
    const latencyMs = clock.now() - this.#chunkAt;
    for (; this.#chunkAppendCount > 0; this.#chunkAppendCount--)
      stats.followerSucceeded(this.#peer, latencyMs, this.sendingType);
  }

  readonly #onHeartbeat = (): void => {
    const { clock } = this.#context;
    if (this.#chunkIsOut && clock.now() - this.#chunkAt >= WRITE_TIMEOUT_MS) {
      this.#cutBy = new TransportError("E_TIMEOUT", `the peer took nothing for ${WRITE_TIMEOUT_MS} ms`);
      this.end(this.#cutBy.message);
      return;
    }
    this.#cancelHeartbeat = clock.after(LINK_HEARTBEAT_MS, this.#onHeartbeat);
    this.#isHeartbeatDue = true;
    this.#scheduleFlush();
  };
}
