// The body of one request, between the connection that reads it and the handler that may or may not ask
// for it, as a whole or in pieces. What nobody asks for waits, up to a bound, and is dropped in the end.
//
//   waiting ─body(), latin1()→ collecting      what comes is for the handler
//      │ └───chunks→ streaming
//      └────── drop() ──→ dropping   what comes is for nobody

import { HttpBodyError } from "@kv/rafthttp/http";
import { assert } from "../../assert.ts";
import { joinLatin1 } from "./body-text.ts";
import { ChunkedDecoder, MALFORMED } from "./chunked-decoder.ts";
import { BODY_DROP_MAX_BYTES, BODY_QUEUE_MAX_BYTES } from "./limits.ts";
import { CHUNKED } from "./request-head.ts";

/** What a body needs of its connection. */
export interface BodyOwner {
  /** Somebody asks for the body: the client may send it now. */
  onWanted(): void;
  /** Whether more can be taken has changed. */
  onRoom(): void;
}

/** A body as a request sees it. */
export interface BodyReader {
  read(limit: number): Uint8Array | Promise<Uint8Array>;
  readLatin1(limit: number): string | Promise<string>;
  pieces(): AsyncIterable<Uint8Array>;
}

type Purpose = "waiting" | "collecting" | "streaming" | "dropping";
type Reader = PromiseWithResolvers<IteratorResult<Uint8Array>>;

const NO_BYTES = new Uint8Array(0);
const END: IteratorResult<Uint8Array> = { done: true, value: undefined };

/** The body of a request that has none. */
export const NO_BODY: BodyReader = {
  read: () => NO_BYTES,
  readLatin1: () => "",
  pieces: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(END) }) }),
};

/** Who waits for the whole body: one of the two is called, once. */
interface Collector {
  complete(pieces: readonly Buffer[]): void;
  fail(error: HttpBodyError): void;
}

/** One body; `read`, `readLatin1` and `pieces` exclude each other and happen at most once. */
export class RequestBody implements AsyncIterableIterator<Uint8Array>, BodyReader {
  readonly #owner: BodyOwner;
  readonly #announced: number;
  readonly #decoder: ChunkedDecoder | null;
  /** Of a body with a length. */
  #leftCount: number;
  #purpose: Purpose = "waiting";
  #pieces: Buffer[] = [];
  #queuedCount = 0;
  #droppedCount = 0;
  #limit = 0;
  #collector: Collector | null = null;
  #reader: Reader | null = null;
  #failure: HttpBodyError | null = null;

  /** `length` as in `RequestHead.bodyLength`. */
  constructor(length: number, owner: BodyOwner) {
    this.#owner = owner;
    this.#announced = length;
    this.#decoder = length === CHUNKED ? new ChunkedDecoder() : null;
    this.#leftCount = length === CHUNKED ? 0 : length;
  }

  /** All of it has come. */
  get isComplete(): boolean {
    return this.#decoder === null ? this.#leftCount === 0 : this.#decoder.isDone;
  }

  /** Nobody takes what is there: reading should pause. */
  get isFull(): boolean {
    const isQueue = this.#purpose === "waiting" || this.#purpose === "streaming";
    return isQueue && this.#queuedCount >= BODY_QUEUE_MAX_BYTES;
  }

  /** More was dropped than keeping the connection is worth. */
  get isWasted(): boolean {
    return this.#droppedCount > BODY_DROP_MAX_BYTES;
  }

  /**
   * Takes as much of `bytes` as belongs to the body.
   *
   * @returns how many bytes that was, or `MALFORMED`.
   */
  feed(bytes: Buffer): number {
    if (this.#decoder !== null) {
      const end = this.#decoder.decode(bytes, 0, this.#take);
      if (end !== MALFORMED && this.#decoder.isDone) this.#finish();
      return end;
    }
    const count = Math.min(this.#leftCount, bytes.length);
    this.#leftCount -= count;
    if (count > 0) this.#take(count === bytes.length ? bytes : bytes.subarray(0, count));
    if (this.#leftCount === 0) this.#finish();
    return count;
  }

  /** The whole body. See `HttpRequest.body`. */
  read(limit: number): Uint8Array | Promise<Uint8Array> {
    return this.#collect(limit, joinBytes);
  }

  /** The whole body as text. See `HttpRequest.latin1`. */
  readLatin1(limit: number): string | Promise<string> {
    return this.#collect(limit, joinLatin1);
  }

  #collect<T>(limit: number, join: (pieces: readonly Buffer[]) => T): T | Promise<T> {
    assert(this.#purpose === "waiting" || this.#purpose === "dropping", "a body is read once");
    if (this.#failure !== null) throw this.#failure;
    if (this.#announced > limit || this.#queuedCount > limit) {
      this.drop();
      throw tooLarge(limit);
    }
    this.#purpose = "collecting";
    if (this.isComplete) return join(this.#takeAll());
    this.#limit = limit;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#collector = { complete: (pieces) => resolve(join(pieces)), fail: reject };
    this.#owner.onWanted();
    return promise;
  }

  /** The body in pieces. See `HttpRequest.chunks`. */
  pieces(): AsyncIterable<Uint8Array> {
    assert(this.#purpose === "waiting" || this.#purpose === "dropping", "a body is read once");
    if (this.#purpose === "waiting") this.#purpose = "streaming";
    if (!this.isComplete) this.#owner.onWanted();
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next piece; one call at a time, as `for await` does. */
  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#queuedCount -= piece.length;
      this.#owner.onRoom();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.isComplete || this.#purpose === "dropping") return Promise.resolve(END);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.drop();
    return Promise.resolve(END);
  }

  /** From here on nobody wants it. A handler that is collecting still gets its body. */
  drop(): void {
    if (this.#purpose === "collecting" || this.#purpose === "dropping") return;
    this.#purpose = "dropping";
    this.#pieces = [];
    this.#queuedCount = 0;
    this.#reader?.resolve(END);
    this.#reader = null;
    this.#owner.onRoom();
  }

  /** There will be no more: the client is gone or its bytes make no sense. */
  fail(message: string): void {
    if (this.isComplete || this.#failure !== null) return;
    this.#failure = new HttpBodyError("aborted", message);
    this.#collector?.fail(this.#failure);
    this.#reader?.reject(this.#failure);
    this.#collector = null;
    this.#reader = null;
  }

  readonly #take = (piece: Buffer): void => {
    if (this.#purpose === "dropping") {
      this.#droppedCount += piece.length;
    } else if (this.#reader !== null) {
      this.#reader.resolve({ done: false, value: piece });
      this.#reader = null;
    } else {
      this.#pieces.push(piece);
      this.#queuedCount += piece.length;
      if (this.#collector !== null && this.#queuedCount > this.#limit) this.#refuse();
    }
  };

  #refuse(): void {
    this.#collector?.fail(tooLarge(this.#limit));
    this.#collector = null;
    this.#purpose = "dropping";
    this.#pieces = [];
    this.#queuedCount = 0;
  }

  #finish(): void {
    if (this.#collector !== null) this.#collector.complete(this.#takeAll());
    this.#reader?.resolve(END);
    this.#collector = null;
    this.#reader = null;
  }

  #takeAll(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

function joinBytes(pieces: readonly Buffer[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}

function tooLarge(limit: number): HttpBodyError {
  return new HttpBodyError("too_large", `body is longer than ${limit} bytes`);
}
