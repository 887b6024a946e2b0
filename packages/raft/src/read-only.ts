// ReadIndex: reads that are linearizable without an entry in the log. A request is confirmed when a
// quorum has answered a heartbeat sent after it. Heartbeats carry positions in the queue, not the
// contexts of users: positions only grow, so that late answers to an earlier request with the same
// context confirm nothing. Spec: raft.md §11.

import type { NodeId } from "./types.ts";

/** A read that waits for its confirmation; or, from nobody, the renewal of the lease. */
export interface ReadRequest {
  /** Who asked; the answer goes there. */
  readonly from: NodeId;
  /** The commit index when the request was queued; of a renewal, the time. */
  readonly index: number;
  readonly context: Uint8Array;
}

/** A read that may be served as soon as the applied index has reached `index`. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

const NO_REQUESTS: readonly ReadRequest[] = Object.freeze([]);
const NO_ACKS: ReadonlyMap<NodeId, number> = new Map();
const CONTEXT_LENGTH = 8;
const HALF = 2 ** 32;

/** The reads of one term of leadership. */
export class ReadQueue {
  /** Requests confirmed so far in this term. */
  confirmed: number = 0;
  #queue: ReadRequest[] = [];
  // Null until a read was started in this term.
  #acks: Map<NodeId, number> | null = null;

  get length(): number {
    return this.#queue.length;
  }

  /** Forgets everything: the term has ended. */
  reset(): void {
    this.confirmed = 0;
    if (this.#queue.length > 0) this.#queue = [];
    this.#acks = null;
  }

  add(request: ReadRequest): void {
    this.#queue.push(request);
  }

  /** The position every heartbeat carries, as bytes; null while no request waits. */
  heartbeatContext(): Uint8Array | null {
    if (this.#queue.length === 0) return null;
    return encodePosition(this.position());
  }

  /** The position of the last request. */
  position(): number {
    return this.confirmed + this.#queue.length;
  }

  acknowledge(from: NodeId, position: number): void {
    this.#acks ??= new Map();
    this.#acks.set(from, Math.max(this.#acks.get(from) ?? 0, position));
  }

  acks(): ReadonlyMap<NodeId, number> {
    return this.#acks ?? NO_ACKS;
  }

  /** Removes and returns the requests through `position`, in order. */
  confirmThrough(position: number): readonly ReadRequest[] {
    const count = Math.min(position - this.confirmed, this.#queue.length);
    if (count <= 0) return NO_REQUESTS;
    const confirmed = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.confirmed += count;
    return confirmed;
  }
}

/** A position as 8 bytes, little-endian. */
export function encodePosition(position: number): Uint8Array {
  const bytes = new Uint8Array(CONTEXT_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, position % HALF, true);
  view.setUint32(4, Math.floor(position / HALF), true);
  return bytes;
}

/** The position in a context, or 0 if these bytes are none of ours. */
export function decodePosition(context: Uint8Array | null): number {
  if (context === null || context.length !== CONTEXT_LENGTH) return 0;
  const view = new DataView(context.buffer, context.byteOffset, CONTEXT_LENGTH);
  const position = view.getUint32(4, true) * HALF + view.getUint32(0, true);
  return Number.isSafeInteger(position) ? position : 0;
}
