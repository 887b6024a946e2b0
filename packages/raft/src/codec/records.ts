// HardState, ConfState and Snapshot as protobuf. A ConfState without learners, joint halves and
// autoLeave is written as etcd 2.x does; the modern fields follow only when they say something.
// Spec: raft.md §2.4.

import { EMPTY_CONF_STATE, EMPTY_SNAPSHOT, NONE } from "../types.ts";
import type { ConfState, HardState, NodeId, Snapshot, SnapshotMeta } from "../types.ts";
import { Reader } from "./reader.ts";
import { delimitedSize, nodeIdSize, uint64Size } from "./varint.ts";
import { Writer } from "./writer.ts";

/** Encoded size in bytes. */
export function hardStateSize(state: HardState): number {
  return 3 + uint64Size(state.term) + nodeIdSize(state.vote) + uint64Size(state.commit);
}

/** Appends the fields of a hard state, without a length before them. */
export function writeHardState(writer: Writer, state: HardState): void {
  writer.uint64(1, state.term);
  writer.nodeId(2, state.vote);
  writer.uint64(3, state.commit);
}

/** Reads up to the end of the reader's (nested) message. */
export function readHardState(reader: Reader): HardState {
  let term = 0;
  let vote: NodeId = NONE;
  let commit = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        term = reader.uint64();
        break;
      case 2:
        vote = reader.nodeId();
        break;
      case 3:
        commit = reader.uint64();
        break;
      default:
        reader.skip();
    }
  }
  return { term, vote, commit };
}

/** A copy of its own. */
export function encodeHardState(state: HardState): Uint8Array {
  const writer = new Writer(hardStateSize(state));
  writeHardState(writer, state);
  return writer.view();
}

/** @throws {RaftError} E_CODEC or E_U64_RANGE. */
export function decodeHardState(bytes: Uint8Array): HardState {
  return readHardState(new Reader(bytes));
}

/** Encoded size in bytes. */
export function confStateSize(state: ConfState): number {
  const ids =
    idsSize(state.voters) +
    idsSize(state.learners) +
    idsSize(state.votersOutgoing) +
    idsSize(state.learnersNext);
  return ids + (state.autoLeave ? 2 : 0);
}

/** Appends the fields of a configuration, without a length before them. */
export function writeConfState(writer: Writer, state: ConfState): void {
  for (const id of state.voters) writer.nodeId(1, id);
  for (const id of state.learners) writer.nodeId(2, id);
  for (const id of state.votersOutgoing) writer.nodeId(3, id);
  for (const id of state.learnersNext) writer.nodeId(4, id);
  if (state.autoLeave) writer.bool(5, true);
}

/** Reads up to the end of the reader's (nested) message. Ids may be packed or not. */
export function readConfState(reader: Reader): ConfState {
  const voters: NodeId[] = [];
  const learners: NodeId[] = [];
  const votersOutgoing: NodeId[] = [];
  const learnersNext: NodeId[] = [];
  let autoLeave = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        reader.nodeIds(voters);
        break;
      case 2:
        reader.nodeIds(learners);
        break;
      case 3:
        reader.nodeIds(votersOutgoing);
        break;
      case 4:
        reader.nodeIds(learnersNext);
        break;
      case 5:
        autoLeave = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return { voters, learners, votersOutgoing, learnersNext, autoLeave };
}

/** A copy of its own. */
export function encodeConfState(state: ConfState): Uint8Array {
  const writer = new Writer(confStateSize(state));
  writeConfState(writer, state);
  return writer.view();
}

/** @throws {RaftError} E_CODEC. */
export function decodeConfState(bytes: Uint8Array): ConfState {
  return readConfState(new Reader(bytes));
}

/** Encoded size in bytes. */
export function snapshotSize(snapshot: Snapshot): number {
  const data = snapshot.data === null ? 0 : delimitedSize(snapshot.data.length);
  return data + delimitedSize(metaSize(snapshot.meta));
}

/** Data that is null stays away; the metadata is always written. */
export function writeSnapshot(writer: Writer, snapshot: Snapshot): void {
  const { meta } = snapshot;
  if (snapshot.data !== null) writer.bytes(1, snapshot.data);
  writer.message(2, metaSize(meta));
  writer.message(1, confStateSize(meta.confState));
  writeConfState(writer, meta.confState);
  writer.uint64(2, meta.index);
  writer.uint64(3, meta.term);
}

/** Reads up to the end of the reader's (nested) message. The data is a view. An empty one is `EMPTY_SNAPSHOT` itself. */
export function readSnapshot(reader: Reader): Snapshot {
  let data: Uint8Array | null = null;
  let meta = EMPTY_SNAPSHOT.meta;
  while (reader.next()) {
    if (reader.field === 1) {
      data = reader.bytes();
    } else if (reader.field === 2) {
      const outer = reader.open();
      meta = readMeta(reader);
      reader.close(outer);
    } else {
      reader.skip();
    }
  }
  return data === null && meta === EMPTY_SNAPSHOT.meta ? EMPTY_SNAPSHOT : { meta, data };
}

/** A copy of its own. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const writer = new Writer(snapshotSize(snapshot));
  writeSnapshot(writer, snapshot);
  return writer.view();
}

/**
 * The data of the snapshot is a view of `bytes`.
 *
 * @throws {RaftError} E_CODEC or E_U64_RANGE.
 */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  return readSnapshot(new Reader(bytes));
}

function metaSize(meta: SnapshotMeta): number {
  return delimitedSize(confStateSize(meta.confState)) + 2 + uint64Size(meta.index) + uint64Size(meta.term);
}

function readMeta(reader: Reader): SnapshotMeta {
  let confState = EMPTY_CONF_STATE;
  let index = 0;
  let term = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1: {
        const outer = reader.open();
        if (!reader.atEnd) confState = readConfState(reader);
        reader.close(outer);
        break;
      }
      case 2:
        index = reader.uint64();
        break;
      case 3:
        term = reader.uint64();
        break;
      default:
        reader.skip();
    }
  }
  // Every message carries an empty snapshot: one shared object for all of them.
  const isEmpty = index === 0 && term === 0 && confState === EMPTY_CONF_STATE;
  return isEmpty ? EMPTY_SNAPSHOT.meta : { index, term, confState };
}

function idsSize(ids: readonly NodeId[]): number {
  let size = 0;
  for (const id of ids) size += 1 + nodeIdSize(id);
  return size;
}
