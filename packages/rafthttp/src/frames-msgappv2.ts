// The append stream. Most appends continue where the last one ended, so their header is left out:
// both ends remember (term, index) for the life of the stream.
//
//   0                                                    link heartbeat
//   1  u64 n  n × (u64 length, entry)  u64 commit        MsgApp that continues at (term, index)
//   2  u64 length, message                               any MsgApp; sets (term, index)
//
// Spec: peer-protocol.md §6.2, integers big-endian. Hot path.

import { Message, MessageType, type Entry, type NodeId } from "@kv/raft";
import {
  Slab,
  decodeEntry,
  entrySize,
  messageSize,
  writeEntry,
  writeMessage,
  type Writer,
} from "@kv/raft/codec";
import { ByteQueue } from "./byte-queue.ts";
import { TransportError } from "./errors.ts";
import {
  checkLength,
  decodeFramedMessage,
  LINK_HEARTBEAT,
  writeUint64,
  type FrameDecoder,
  type FrameEncoder,
} from "./frames.ts";

const KIND_LINK_HEARTBEAT = 0;
const KIND_APPEND = 1;
const KIND_MESSAGE = 2;

const KIND_BYTES = 1;
const UINT64_BYTES = 8;

// What the decoder is waiting for.
const State = {
  Kind: 0,
  Count: 1,
  EntryLength: 2,
  Entry: 3,
  Commit: 4,
  MessageLength: 5,
  Message: 6,
} as const;
type State = (typeof State)[keyof typeof State];

/**
 * For entries only: they leave the log about as they came, and slabs with them. One for all streams: a stream that
 * is cut off again and again leaves no slab behind each time.
 */
const slab = new Slab();

/** Reads an append stream. */
export class MsgappV2Decoder implements FrameDecoder {
  frameSizeBytes = 0;

  readonly #queue = new ByteQueue();
  readonly #server: NodeId;
  readonly #dialler: NodeId;
  #term = 0;
  #index = 0;
  #state: State = State.Kind;
  #wantedBytes = KIND_BYTES;
  #sizeBytes = 0;
  #remainingCount = 0;
  #entries: Entry[] = [];

  /** `server` answered the request and sends; `dialler` asked for the stream and receives. */
  constructor(server: NodeId, dialler: NodeId) {
    this.#server = server;
    this.#dialler = dialler;
  }

  push(chunk: Uint8Array): void {
    this.#queue.push(chunk);
  }

  next(): Message | null {
    while (this.#queue.length >= this.#wantedBytes) {
      this.#sizeBytes += this.#wantedBytes;
      const message = this.#step();
      if (message === null) continue;
      this.frameSizeBytes = this.#sizeBytes;
      this.#sizeBytes = 0;
      return message;
    }
    return null;
  }

  // Reads one field, which is there as a whole. Null: the message goes on.
  #step(): Message | null {
    const queue = this.#queue;
    if (this.#state === State.Kind) return this.#readKind(queue.takeUint8());
    if (this.#state === State.Count) return this.#readCount(queue.takeUint64());
    if (this.#state === State.EntryLength)
      return this.#wait(State.Entry, this.#checkSize(queue.takeUint64()));
    if (this.#state === State.Entry) return this.#readEntry(this.#takeForLong(this.#wantedBytes));
    if (this.#state === State.Commit) return this.#readAppend(queue.takeUint64());
    if (this.#state === State.MessageLength)
      return this.#wait(State.Message, this.#checkSize(queue.takeUint64()));
    return this.#readMessage(queue.take(this.#wantedBytes));
  }

  #takeForLong(sizeBytes: number): Uint8Array {
    const bytes = slab.cut(sizeBytes);
    this.#queue.copyInto(bytes);
    return bytes;
  }

  #wait(state: State, wantedBytes: number): null {
    this.#state = state;
    this.#wantedBytes = wantedBytes;
    return null;
  }

  #waitForEntry(): null {
    return this.#wait(this.#remainingCount > 0 ? State.EntryLength : State.Commit, UINT64_BYTES);
  }

  // The limit holds for the frame as a whole: what has come of it and what is announced.
  #checkSize(announcedBytes: number): number {
    checkLength(this.#sizeBytes + announcedBytes);
    return announcedBytes;
  }

  #readKind(kind: number): Message | null {
    switch (kind) {
      case KIND_LINK_HEARTBEAT:
        return LINK_HEARTBEAT;
      case KIND_APPEND:
        return this.#wait(State.Count, UINT64_BYTES);
      case KIND_MESSAGE:
        return this.#wait(State.MessageLength, UINT64_BYTES);
      default:
        throw new TransportError("E_FRAME", `an append stream has no frames of kind ${kind}`);
    }
  }

  #readCount(count: number): null {
    checkLength(count * UINT64_BYTES); // each entry takes at least its length field
    this.#remainingCount = count;
    this.#entries = [];
    return this.#waitForEntry();
  }

  #readEntry(bytes: Uint8Array): null {
    const entry = decodeFramedEntry(bytes);
    // The frame does not say where it belongs: one index off, and the log would be corrupt (§17.7).
    const expected = this.#index + this.#entries.length + 1;
    if (entry.index !== expected) {
      throw new TransportError("E_FRAME", `an appended entry has index ${entry.index}, not ${expected}`);
    }
    this.#entries.push(entry);
    this.#remainingCount--;
    return this.#waitForEntry();
  }

  #readAppend(commit: number): Message {
    if (this.#term === 0)
      throw new TransportError("E_FRAME", "an append stream continues before it has begun");
    if (commit > Number.MAX_SAFE_INTEGER)
      throw new TransportError("E_FRAME", `the commit index ${commit} is not below 2^53`);
    const message = new Message(MessageType.App, this.#dialler, this.#server, this.#term);
    message.logTerm = this.#term;
    message.index = this.#index;
    message.entries = this.#entries;
    message.commit = commit;
    this.#index += this.#entries.length;
    this.#entries = [];
    this.#wait(State.Kind, KIND_BYTES);
    return message;
  }

  #readMessage(bytes: Uint8Array): Message {
    const message = decodeFramedMessage(bytes);
    if (message.type !== MessageType.App) {
      throw new TransportError("E_FRAME", `an append stream carries no messages of type ${message.type}`);
    }
    this.#term = message.term;
    this.#index = lastIndexOf(message);
    this.#wait(State.Kind, KIND_BYTES);
    return message;
  }
}

/** Writes an append stream: MsgApp only, in the short form wherever it says the same. */
export class MsgappV2Encoder implements FrameEncoder {
  readonly sendingType = "msgappv2";
  #term = 0;
  #index = 0;

  write(writer: Writer, message: Message): void {
    const continues =
      message.index === this.#index && message.logTerm === this.#term && message.logTerm === message.term;
    if (continues) {
      this.#writeAppend(writer, message);
      return;
    }
    writeKind(writer, KIND_MESSAGE);
    writeUint64(writer, messageSize(message));
    writeMessage(writer, message);
    this.#term = message.term;
    this.#index = lastIndexOf(message);
  }

  writeLinkHeartbeat(writer: Writer): void {
    writeKind(writer, KIND_LINK_HEARTBEAT);
  }

  #writeAppend(writer: Writer, message: Message): void {
    const { entries } = message;
    writeKind(writer, KIND_APPEND);
    writeUint64(writer, entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      writeUint64(writer, entrySize(entry));
      writeEntry(writer, entry);
    }
    writeUint64(writer, message.commit);
    this.#index += entries.length;
  }
}

const kindBytes = [0, 1, 2].map((kind) => Uint8Array.of(kind));

function writeKind(writer: Writer, kind: number): void {
  writer.raw(kindBytes[kind]!); // the three kinds above
}

function lastIndexOf(message: Message): number {
  const { entries } = message;
  return entries.length === 0 ? message.index : entries[entries.length - 1]!.index;
}

function decodeFramedEntry(bytes: Uint8Array): Entry {
  try {
    return decodeEntry(bytes);
  } catch (cause) {
    throw new TransportError("E_FRAME", "a frame holds an entry that cannot be read", { cause });
  }
}
