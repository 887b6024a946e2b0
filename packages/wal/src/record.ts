// The five kinds of records of a log and the values inside. Frames and checksums are decoder.ts and
// encoder.ts. The running crc covers only a record's data, so what it does not cover is checked
// here by shape: a flipped bit in the type must not turn one kind into another.
// Source: disk-format.md §2, §3.3.

import { decodeEntry, decodeHardState, Reader, Writer } from "@kv/raft/codec";
import { EntryType, NONE } from "@kv/raft";
import type { Entry, HardState, NodeId } from "@kv/raft";

/** Kinds of records, with the numbers they have on the disk. */
export const RecordType = { Metadata: 1, Entry: 2, State: 3, Crc: 4, Snapshot: 5 } as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

/** Who wrote a log. Equal in all segments; fixed when the log is created. */
export interface WalMetadata {
  readonly nodeId: NodeId;
  readonly clusterId: NodeId;
}

/** A place in the log that a snapshot covers; {0, 0} is the beginning. */
export interface SnapshotPosition {
  readonly index: number;
  readonly term: number;
}

const VARINT_TAGS = [0x08, 0x10, 0x18] as const;
const ENTRY_DATA_TAG = 0x22;

/** The data of a metadata record. */
export function encodeMetadata(metadata: WalMetadata): Uint8Array {
  const writer = new Writer();
  writer.nodeId(1, metadata.nodeId);
  writer.nodeId(2, metadata.clusterId);
  return writer.take();
}

/** Null when `data` is not the data of a metadata record. */
export function decodeMetadata(data: Uint8Array): WalMetadata | null {
  if (endOfVarintFields(data, 2) !== data.length) return null;
  const reader = new Reader(data);
  let nodeId = NONE;
  let clusterId = NONE;
  while (reader.next()) {
    if (reader.field === 1) nodeId = reader.nodeId();
    else clusterId = reader.nodeId();
  }
  return { nodeId, clusterId };
}

/** The data of a snapshot record. */
export function encodeSnapshotPosition(at: SnapshotPosition): Uint8Array {
  const writer = new Writer();
  writer.uint64(1, at.index);
  writer.uint64(2, at.term);
  return writer.take();
}

/** Null when `data` is not the data of a snapshot record. */
export function decodeSnapshotPosition(data: Uint8Array): SnapshotPosition | null {
  if (endOfVarintFields(data, 2) !== data.length) return null;
  const reader = new Reader(data);
  let index = 0;
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) index = reader.uint64();
    else term = reader.uint64();
  }
  return { index, term };
}

/**
 * The entry in the data of an entry record, which it keeps a view of; null when there is none in it.
 * Every entry has a term, and only a normal one may be without data.
 */
export function decodeEntryRecord(data: Uint8Array): Entry | null {
  const end = endOfVarintFields(data, 3);
  if (end < 0 || (end < data.length && data[end] !== ENTRY_DATA_TAG)) return null;
  const entry = decodeEntry(data);
  if (entry.term === 0 || entry.index === 0) return null;
  if (entry.type !== EntryType.Normal && entry.data === null) return null;
  return entry;
}

/** The hard state in the data of a state record; null when there is none in it. An empty one is never written. */
export function decodeStateRecord(data: Uint8Array): HardState | null {
  if (endOfVarintFields(data, 3) !== data.length) return null;
  const state = decodeHardState(data);
  return state.term === 0 ? null : state;
}

/** Where the varint fields 1 to `count`, each present once and in order, end; -1 when they are not there. */
function endOfVarintFields(data: Uint8Array, count: number): number {
  let at = 0;
  for (let field = 0; field < count; field++) {
    if (at >= data.length || data[at] !== VARINT_TAGS[field]) return -1;
    at++;
    while (at < data.length && data[at]! >= 128) at++;
    if (at >= data.length) return -1;
    at++;
  }
  return at;
}
