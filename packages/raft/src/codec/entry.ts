// Log entries as protobuf, byte for byte as etcd writes them. Spec: raft.md §2.4. Hot path.

import { RaftError } from "../errors.ts";
import { EntryType, type Entry } from "../types.ts";
import { Reader } from "./reader.ts";
import { delimitedSize, uint64Size } from "./varint.ts";
import { Writer } from "./writer.ts";

/** Tag and value of the type, which is always one byte. */
const TYPE_SIZE = 2;

/** Encoded size in bytes; the measure of all size limits (raft.md §2.4). */
export function entrySize(entry: Entry): number {
  const size = TYPE_SIZE + 1 + uint64Size(entry.term) + 1 + uint64Size(entry.index);
  return entry.data === null ? size : size + delimitedSize(entry.data.length);
}

/** Data that is null stays away; data of length 0 is written. */
export function writeEntry(writer: Writer, entry: Entry): void {
  writer.uint64(1, entry.type);
  writer.uint64(2, entry.term);
  writer.uint64(3, entry.index);
  if (entry.data !== null) writer.bytes(4, entry.data);
}

/** Reads an entry up to the end of the reader's (nested) message. Its data is a view. */
export function readEntry(reader: Reader): Entry {
  let term = 0;
  let index = 0;
  let type: EntryType = EntryType.Normal;
  let data: Uint8Array | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        type = entryType(reader.uint64());
        break;
      case 2:
        term = reader.uint64();
        break;
      case 3:
        index = reader.uint64();
        break;
      case 4:
        data = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  return { term, index, type, data };
}

/** A copy of its own. */
export function encodeEntry(entry: Entry): Uint8Array {
  const writer = new Writer(entrySize(entry));
  writeEntry(writer, entry);
  return writer.view();
}

/**
 * The data of the entry is a view of `bytes`.
 *
 * @throws {RaftError} E_CODEC or E_U64_RANGE.
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  return readEntry(new Reader(bytes));
}

function entryType(value: number): EntryType {
  switch (value) {
    case EntryType.Normal:
    case EntryType.ConfChange:
    case EntryType.ConfChangeV2:
      return value;
    default:
      throw new RaftError("E_CODEC", `an entry has the unknown type ${value}`);
  }
}
