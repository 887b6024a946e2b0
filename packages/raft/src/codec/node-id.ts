// Member ids: lower-case hex strings above, two unsigned 32-bit halves below. Ids that were decoded
// are interned, so that a message allocates no string and equal ids are mostly the same object.
// Spec: raft.md §2.1. Hot path.

import { RaftError } from "../errors.ts";
import type { NodeId } from "../types.ts";

const ID_HEX = /^[0-9a-fA-F]{1,16}$/;
const LOW_DIGITS = 8;

/**
 * Reads an id as people and flags write it: 1 to 16 hex digits, in any case, with or without leading zeros.
 *
 * @throws {RaftError} E_CODEC for anything else.
 */
export function parseNodeId(text: string): NodeId {
  if (!ID_HEX.test(text)) throw new RaftError("E_CODEC", `"${text}" is not a 64-bit hex number`);
  const split = Math.max(0, text.length - LOW_DIGITS);
  return nodeIdFromHalves(parseHex(text, 0, split), parseHex(text, split, text.length));
}

/** Orders ids by their 64-bit value: negative, 0 or positive, for `sort`. */
export function compareNodeIds(a: NodeId, b: NodeId): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1; // equally long hex strings order like their values
}

/** The id as a number. Not for hot paths. */
export function nodeIdToBigInt(id: NodeId): bigint {
  return BigInt(`0x${id}`);
}

/** @throws {RaftError} E_U64_RANGE unless 0 ≤ `value` < 2^64. */
export function nodeIdFromBigInt(value: bigint): NodeId {
  if (value < 0n || value >= 1n << 64n) {
    throw new RaftError("E_U64_RANGE", `${value} is not an unsigned 64-bit number`);
  }
  return nodeIdFromHalves(Number(value >> 32n), Number(value & 0xffff_ffffn));
}

/** The upper 32 bits, unsigned. */
export function nodeIdHigh(id: NodeId): number {
  return id.length <= LOW_DIGITS ? 0 : parseHex(id, 0, id.length - LOW_DIGITS);
}

/** The lower 32 bits, unsigned. */
export function nodeIdLow(id: NodeId): number {
  return parseHex(id, Math.max(0, id.length - LOW_DIGITS), id.length);
}

// The table is bounded, because ids arrive from the network: a few probes, then the oldest guess goes.
const TABLE_SLOTS = 1024;
const PROBES = 4;
const highs = new Uint32Array(TABLE_SLOTS);
const lows = new Uint32Array(TABLE_SLOTS);
const ids: (NodeId | null)[] = Array.from({ length: TABLE_SLOTS }, () => null);

/** The interned id of two unsigned 32-bit halves. */
export function nodeIdFromHalves(high: number, low: number): NodeId {
  const home = (Math.imul(high, 0x9e37_79b1) ^ Math.imul(low, 0x85eb_ca6b)) >>> 22;
  for (let probe = 0; probe < PROBES; probe++) {
    const slot = (home + probe) % TABLE_SLOTS;
    const id = ids[slot] ?? null;
    if (id === null) return intern(slot, high, low);
    if (lows[slot] === low && highs[slot] === high) return id;
  }
  return intern(home, high, low);
}

function intern(slot: number, high: number, low: number): NodeId {
  const text = high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(LOW_DIGITS, "0");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the canonical form, just built
  const id = text as NodeId;
  highs[slot] = high;
  lows[slot] = low;
  ids[slot] = id;
  return id;
}

// Unsigned value of at most 8 digits.
function parseHex(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    const digit = code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
    if (!(digit >= 0 && digit <= 15) || (digit > 9 && code <= 0x39)) {
      throw new RaftError("E_CODEC", `"${text}" is not a 64-bit hex number`);
    }
    value = value * 16 + digit;
  }
  return value;
}
