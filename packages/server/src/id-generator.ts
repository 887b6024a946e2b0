// Request ids: unique over members and restarts without coordination (disk-format.md §6.2).
//
//   | 16 bits of the member id | 40 bits of Unix ms at start | 8 bits counter, may run over into the time |
//
// The lower 48 bits are a safe integer: they alone find the one who waits.

import { nodeIdToBigInt } from "@kv/raft/codec";
import type { NodeId } from "@kv/raft";

const TWO_32 = 0x1_0000_0000;
const TWO_48 = 0x1_0000_0000_0000;
const TIME_BITS = 2 ** 40;
const COUNTER_SIZE = 2 ** 8;

/** Makes request ids of one member. */
export class IdGenerator {
  /** The 16 bits that tell members apart. */
  readonly prefix: number;
  #suffix: number;

  /** `startMs` is the Unix time of this process's start, so that ids of an earlier one are never repeated. */
  constructor(member: NodeId, startMs: number) {
    this.prefix = Number(nodeIdToBigInt(member) & 0xffffn);
    this.#suffix = (Math.floor(startMs) % TIME_BITS) * COUNTER_SIZE;
  }

  /** The lower 48 bits of a new id; never the same twice. */
  nextSuffix(): number {
    this.#suffix = (this.#suffix + 1) % TWO_48;
    return this.#suffix;
  }

  /** The upper half of the id with this suffix. */
  high(suffix: number): number {
    return this.prefix * 0x1_0000 + Math.floor(suffix / TWO_32);
  }

  /** The suffix of an id, or -1 when another member made it. */
  ownSuffix(high: number, low: number): number {
    return high >>> 16 === this.prefix ? (high & 0xffff) * TWO_32 + low : -1;
  }
}

/** A new id as hex, for records that print it (configuration changes). */
export function idToHex(high: number, low: number): string {
  return ((BigInt(high) << 32n) | BigInt(low)).toString(16);
}
