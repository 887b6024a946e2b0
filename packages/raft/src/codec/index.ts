/**
 * etcd's wire format of all records.
 *
 * @module @kv/raft/codec
 */

// Fields
export { Reader } from "./reader.ts";
export { Writer } from "./writer.ts";
export { Slab } from "./slab.ts";
export { delimitedSize, nodeIdSize, uint64Size } from "./varint.ts";

// Ids
export {
  compareNodeIds,
  nodeIdFromBigInt,
  nodeIdFromHalves,
  nodeIdHigh,
  nodeIdLow,
  nodeIdToBigInt,
  parseNodeId,
} from "./node-id.ts";

// Records
export { decodeEntry, encodeEntry, entrySize, readEntry, writeEntry } from "./entry.ts";
export {
  confStateSize,
  decodeConfState,
  decodeHardState,
  decodeSnapshot,
  encodeConfState,
  encodeHardState,
  encodeSnapshot,
  hardStateSize,
  readConfState,
  readHardState,
  readSnapshot,
  snapshotSize,
  writeConfState,
  writeHardState,
  writeSnapshot,
} from "./records.ts";
export { decodeMessage, encodeMessage, messageSize, readMessage, writeMessage } from "./message.ts";
export { decodeConfChange, decodeConfChangeV2, encodeConfChange, encodeConfChangeV2 } from "./conf-change.ts";
