// Sizes of varints, so that lengths can be written before what they measure. Hot path.

import type { NodeId } from "../types.ts";
import { nodeIdHigh, nodeIdLow } from "./node-id.ts";

const TWO_32 = 0x1_0000_0000;

/** Bytes of a safe non-negative integer as a varint, without its tag. */
export function uint64Size(value: number): number {
  let size = 1;
  let limit = 128;
  while (value >= limit) {
    size++;
    limit *= 128;
  }
  return size;
}

/** Bytes of an id as a varint, without its tag. */
export function nodeIdSize(id: NodeId): number {
  const high = nodeIdHigh(id);
  if (high < 0x20_0000) return uint64Size(high * TWO_32 + nodeIdLow(id));
  return 4 + uint64Size(high * 16 + (nodeIdLow(id) >>> 28));
}

/** Bytes of a length-delimited field with a one-byte tag: tag, length and `sizeBytes` bytes of content. */
export function delimitedSize(sizeBytes: number): number {
  return 1 + uint64Size(sizeBytes) + sizeBytes;
}
