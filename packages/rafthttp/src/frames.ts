// What both kinds of stream have in common: frames of big-endian lengths and raft records, read as
// they come and written many at a time. Spec: peer-protocol.md §6.

import { Message, MessageType, NONE } from "@kv/raft";
import { decodeMessage, type Writer } from "@kv/raft/codec";
import { TransportError } from "./errors.ts";
import type { SendingType } from "./stats.ts";

/**
 * Most bytes of one encoded message or entry. The largest legal one is a MsgSnap: its JSON is below
 * 2^29 bytes, the longest string there is. A length above the limit is garbage, not a message.
 */
export const MESSAGE_LIMIT_BYTES: number = 512 * 1024 * 1024;

/** The two kinds of stream, as their paths name them. */
export type StreamKind = "msgapp" | "message";

/** Turns the bytes of one stream, cut anywhere, into messages. One decoder serves one stream. */
export interface FrameDecoder {
  /** Takes a chunk; it is kept until its frames have been read. */
  push(chunk: Uint8Array): void;
  /**
   * The next message, link heartbeats included, or null when its bytes have not all come.
   * Nobody else changes its bytes; those of its entries may share a `buffer` with others.
   *
   * @throws {TransportError} E_FRAME or E_TOO_LARGE; the stream must then be closed, its rest has no meaning.
   */
  next(): Message | null;
  /** Bytes on the wire of the message that `next` returned last. */
  readonly frameSizeBytes: number;
}

/** Turns messages into the bytes of one stream. One encoder serves one stream. */
export interface FrameEncoder {
  readonly sendingType: SendingType;
  write(writer: Writer, message: Message): void;
  writeLinkHeartbeat(writer: Writer): void;
}

/** Keeps a stream alive that has nothing to say; never given to raft. */
export const LINK_HEARTBEAT: Message = new Message(MessageType.Heartbeat);

/** A heartbeat from nobody to nobody, whatever its bytes: 3.4 writes two more than 2.3. */
export function isLinkHeartbeat(message: Message): boolean {
  return message.type === MessageType.Heartbeat && message.to === NONE && message.from === NONE;
}

const uint64Bytes = new Uint8Array(8);
const uint64View = new DataView(uint64Bytes.buffer);

/** Writes a safe non-negative integer as 8 bytes, big-endian. */
export function writeUint64(writer: Writer, value: number): void {
  uint64View.setUint32(0, Math.floor(value / 0x1_0000_0000));
  uint64View.setUint32(4, value >>> 0);
  writer.raw(uint64Bytes);
}

/** @throws {TransportError} E_TOO_LARGE */
export function checkLength(sizeBytes: number): number {
  if (sizeBytes > MESSAGE_LIMIT_BYTES) {
    throw new TransportError(
      "E_TOO_LARGE",
      `a frame announces ${sizeBytes} bytes, at most ${MESSAGE_LIMIT_BYTES} are allowed`,
    );
  }
  return sizeBytes;
}

/** @throws {TransportError} E_FRAME if the bytes are not a message. */
export function decodeFramedMessage(bytes: Uint8Array): Message {
  try {
    return decodeMessage(bytes);
  } catch (cause) {
    throw new TransportError("E_FRAME", "a frame does not hold a raft message", { cause });
  }
}
