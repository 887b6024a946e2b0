// The message stream: a big-endian length and an encoded message, again and again.
// Spec: peer-protocol.md §6.1. Hot path.

import type { Message } from "@kv/raft";
import { messageSize, writeMessage, type Writer } from "@kv/raft/codec";
import { ByteQueue } from "./byte-queue.ts";
import {
  checkLength,
  decodeFramedMessage,
  LINK_HEARTBEAT,
  writeUint64,
  type FrameDecoder,
  type FrameEncoder,
} from "./frames.ts";

const LENGTH_BYTES = 8;
const NOT_KNOWN = -1;

/** Reads a message stream. */
export class MessageDecoder implements FrameDecoder {
  frameSizeBytes = 0;

  readonly #queue = new ByteQueue();
  #sizeBytes = NOT_KNOWN;

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
  }

  next(): Message | null {
    if (this.#sizeBytes === NOT_KNOWN) {
      if (this.#queue.length < LENGTH_BYTES) return null;
      this.#sizeBytes = checkLength(this.#queue.takeUint64());
    }
    if (this.#queue.length < this.#sizeBytes) return null;
    const bytes = this.#queue.take(this.#sizeBytes);
    this.frameSizeBytes = LENGTH_BYTES + this.#sizeBytes;
    this.#sizeBytes = NOT_KNOWN;
    return decodeFramedMessage(bytes);
  }
}

/** Writes a message stream. */
export class MessageEncoder implements FrameEncoder {
  readonly sendingType = "message";

  write(writer: Writer, message: Message): void {
    writeUint64(writer, messageSize(message));
    writeMessage(writer, message);
  }

  writeLinkHeartbeat(writer: Writer): void {
    this.write(writer, LINK_HEARTBEAT);
  }
}
