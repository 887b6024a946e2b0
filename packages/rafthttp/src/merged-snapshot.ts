// The body of POST /raft/snapshot: a big-endian length, an encoded MsgSnap, then the sender's v3
// database up to the end. The database is read and dropped. Spec: peer-protocol.md §10.

import type { Message } from "@kv/raft";
import { ByteQueue } from "./byte-queue.ts";
import { TransportError } from "./errors.ts";
import { checkLength, decodeFramedMessage } from "./frames.ts";

const LENGTH_BYTES = 8;
/** The largest database that etcd 3 supports; more is not a snapshot. */
const DATABASE_LIMIT_BYTES: number = 8 * 1024 ** 3;

/** Reads one such body: first `readMessage`, then `skipDatabase`. */
export class MergedSnapshotReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #queue = new ByteQueue();
  #messageBytes = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Size of the encoded message, once it has been read. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** @throws {TransportError} E_FRAME or E_TOO_LARGE; or whatever the chunks throw. */
  async readMessage(): Promise<Message> {
    await this.#fill(LENGTH_BYTES);
    this.#messageBytes = checkLength(this.#queue.takeUint64());
    await this.#fill(this.#messageBytes);
    return decodeFramedMessage(this.#queue.take(this.#messageBytes));
  }

  /** @throws {TransportError} E_TOO_LARGE; or whatever the chunks throw. */
  async skipDatabase(): Promise<void> {
    let skippedBytes = this.#queue.length;
    this.#queue.clear();
    for (;;) {
      const result = await this.#chunks.next();
      if (result.done === true) return;
      skippedBytes += result.value.length;
      if (skippedBytes > DATABASE_LIMIT_BYTES) {
        throw new TransportError("E_TOO_LARGE", `a database is larger than ${DATABASE_LIMIT_BYTES} bytes`);
      }
    }
  }

  async #fill(sizeBytes: number): Promise<void> {
    while (this.#queue.length < sizeBytes) {
      const result = await this.#chunks.next();
      if (result.done === true) throw new TransportError("E_FRAME", "unexpected EOF");
      this.#queue.push(result.value);
    }
  }
}
