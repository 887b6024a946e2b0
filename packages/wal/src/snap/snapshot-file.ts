// The bytes of a snapshot file. The checksum and both lengths stand before the data they are about,
// so a file is written with a head of fixed size (padded varints, which real etcd reads) that is
// filled in at the end; the data itself is never held as a whole. Source: disk-format.md §4.
//
//   crc | length of the rest | length of the state | state, in chunks | metadata
//   '----------- head, 18 bytes -------------------'
//                              '------------- what the crc is about ------------'

import { decodeSnapshot, encodeSnapshot, Reader } from "@kv/raft/codec";
import type { Snapshot, SnapshotMeta } from "@kv/raft";
import { combineCrc32c, crc32c } from "../crc32c.ts";

const CRC_TAG = 0x08;
const CONTENT_TAG = 0x12;
const STATE_TAG = 0x0a;
const VARINT_BYTES = 5;
const FIELD_BYTES = 1 + VARINT_BYTES;

/** Bytes in front of the state. */
export const HEAD_BYTES: number = 3 * FIELD_BYTES;
/** What a length of five varint bytes can say. */
const LENGTH_MAX_BYTES = 2 ** 35 - 1;

/** The bytes behind the state. */
export function encodeSnapshotTail(meta: SnapshotMeta): Uint8Array {
  return encodeSnapshot({ meta, data: null });
}

/**
 * The head of a file.
 *
 * @param tail what follows the state; `crc` is that of state and tail together.
 */
export function encodeSnapshotHead(stateBytes: number, tail: Uint8Array, crc: number): Uint8Array {
  const followingBytes = stateBytes + tail.length;
  if (FIELD_BYTES + followingBytes > LENGTH_MAX_BYTES)
    throw new RangeError("the snapshot is larger than 32 GiB");
  const head = new Uint8Array(HEAD_BYTES);
  putField(head, 2 * FIELD_BYTES, STATE_TAG, stateBytes);
  const headCrc = crc32c(head.subarray(2 * FIELD_BYTES), 0);
  putField(head, 0, CRC_TAG, combineCrc32c(headCrc, crc, followingBytes));
  putField(head, FIELD_BYTES, CONTENT_TAG, FIELD_BYTES + followingBytes);
  return head;
}

/**
 * The snapshot in a file; its data is a view of `bytes`.
 *
 * @throws {Error} saying what is wrong with the file.
 */
export function decodeSnapshotFile(bytes: Uint8Array): Snapshot {
  const reader = new Reader(bytes);
  let crc = 0;
  let content: Uint8Array | null = null;
  while (reader.next()) {
    if (reader.field === 1) crc = reader.uint64();
    else if (reader.field === 2) content = reader.bytes();
    else reader.skip();
  }
  if (content === null || content.length === 0) throw new Error("the file holds no snapshot");
  const actual = crc32c(content, 0);
  if (actual !== crc) throw new Error(`the crc is ${actual.toString(16)}, the file says ${crc.toString(16)}`);
  return decodeSnapshot(content);
}

function putField(target: Uint8Array, start: number, tag: number, value: number): void {
  target[start] = tag;
  let rest = value;
  for (let i = 1; i < VARINT_BYTES; i++) {
    target[start + i] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[start + VARINT_BYTES] = rest;
}
