// Messages as protobuf, byte for byte as etcd 2.3.8 writes them; `context` follows when there is
// one. `vote` and `responses` belong to local storage messages, which never leave the process, and
// are neither written nor read. Spec: raft.md §2.4. Hot path.

import { RaftError } from "../errors.ts";
import { Message, MessageType } from "../message.ts";
import { EMPTY_SNAPSHOT, type Entry } from "../types.ts";
import { entrySize, readEntry, writeEntry } from "./entry.ts";
import { Reader } from "./reader.ts";
import { readSnapshot, snapshotSize, writeSnapshot } from "./records.ts";
import { delimitedSize, nodeIdSize, uint64Size } from "./varint.ts";
import { Writer } from "./writer.ts";

const EMPTY_SNAPSHOT_SIZE = snapshotSize(EMPTY_SNAPSHOT);
/** By number: the types are numbered from 0 without gaps. */
const MESSAGE_TYPES: readonly MessageType[] = Object.values(MessageType);
/** Tag bytes of the nine scalars, plus the values of `type` and `reject`, which are one byte each. */
const FIXED_SIZE = 9 + 2;

/** Encoded size in bytes. */
export function messageSize(message: Message): number {
  let size = FIXED_SIZE;
  size += nodeIdSize(message.to) + nodeIdSize(message.from);
  size += uint64Size(message.term) + uint64Size(message.logTerm) + uint64Size(message.index);
  size += uint64Size(message.commit) + uint64Size(message.rejectHint);
  const { entries, context } = message;
  for (let i = 0; i < entries.length; i++) size += delimitedSize(entrySize(entries[i]!));
  size += delimitedSize(sizeOfSnapshot(message));
  if (context !== null && context.length > 0) size += delimitedSize(context.length);
  return size;
}

/** An empty context stays away, as a missing one does. */
export function writeMessage(writer: Writer, message: Message): void {
  const { entries, context } = message;
  writer.uint64(1, message.type);
  writer.nodeId(2, message.to);
  writer.nodeId(3, message.from);
  writer.uint64(4, message.term);
  writer.uint64(5, message.logTerm);
  writer.uint64(6, message.index);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    writer.message(7, entrySize(entry));
    writeEntry(writer, entry);
  }
  writer.uint64(8, message.commit);
  writer.message(9, sizeOfSnapshot(message));
  writeSnapshot(writer, message.snapshot);
  writer.bool(10, message.reject);
  writer.uint64(11, message.rejectHint);
  if (context !== null && context.length > 0) writer.bytes(12, context);
}

/** Reads up to the end of the reader's (nested) message. Bytes inside are views. */
export function readMessage(reader: Reader): Message {
  const message = new Message(MessageType.Hup);
  let entries: Entry[] | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        message.type = messageType(reader.uint64());
        break;
      case 2:
        message.to = reader.nodeId();
        break;
      case 3:
        message.from = reader.nodeId();
        break;
      case 4:
        message.term = reader.uint64();
        break;
      case 5:
        message.logTerm = reader.uint64();
        break;
      case 6:
        message.index = reader.uint64();
        break;
      case 7: {
        const outer = reader.open();
        entries ??= [];
        entries.push(readEntry(reader));
        reader.close(outer);
        break;
      }
      case 8:
        message.commit = reader.uint64();
        break;
      case 9: {
        const outer = reader.open();
        message.snapshot = readSnapshot(reader);
        reader.close(outer);
        break;
      }
      case 10:
        message.reject = reader.bool();
        break;
      case 11:
        message.rejectHint = reader.uint64();
        break;
      case 12:
        message.context = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  if (entries !== null) message.entries = entries;
  return message;
}

/** A copy of its own. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new Writer(messageSize(message));
  writeMessage(writer, message);
  return writer.view();
}

/**
 * Entry data, snapshot data and context are views of `bytes`.
 *
 * @throws {RaftError} E_CODEC (also for a message type nobody knows) or E_U64_RANGE.
 */
export function decodeMessage(bytes: Uint8Array): Message {
  return readMessage(new Reader(bytes));
}

function sizeOfSnapshot(message: Message): number {
  return message.snapshot === EMPTY_SNAPSHOT ? EMPTY_SNAPSHOT_SIZE : snapshotSize(message.snapshot);
}

function messageType(value: number): MessageType {
  const type = MESSAGE_TYPES[value];
  if (type === undefined) throw new RaftError("E_CODEC", `a message has the unknown type ${value}`);
  return type;
}
