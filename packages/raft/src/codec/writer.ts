// Writes protobuf fields into one growing buffer: varints on numbers, 64-bit ids as two halves,
// nested messages behind a length that is known beforehand. Spec: raft.md §2.4. Hot path.

import { RaftError } from "../errors.ts";
import type { NodeId } from "../types.ts";
import { nodeIdHigh, nodeIdLow } from "./node-id.ts";
import { TEXT_UNIT_MAX_BYTES, writeText } from "./text.ts";
import { uint64Size } from "./varint.ts";

const VARINT = 0;
const LENGTH_DELIMITED = 2;

const DEFAULT_SIZE_BYTES = 256;
/** Most bytes of a tag plus a varint: field numbers below 2^29, values of 64 bits. */
const SCALAR_MAX_BYTES = 15;
const TWO_32 = 0x1_0000_0000;
const TWO_28 = 0x1000_0000;

/**
 * An encoder over a buffer that it owns and reuses. Each method writes one whole field, zero or not:
 * what may be left out is decided by the caller.
 *
 * `view` lends what was written, `take` copies it.
 */
export class Writer {
  #buffer: Uint8Array;
  #length = 0;

  /** @param sizeBytes what can be written without growing. */
  constructor(sizeBytes: number = DEFAULT_SIZE_BYTES) {
    this.#buffer = new Uint8Array(sizeBytes + SCALAR_MAX_BYTES);
  }

  /** Bytes written since the last `reset` or `take`. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): void {
    this.#length = 0;
  }

  /** What was written, inside the own buffer: valid until something else is written. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written; then starts anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  /** @throws {RaftError} E_U64_RANGE unless `value` is a safe, non-negative integer. */
  uint64(field: number, value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw rangeError(value);
    this.#reserve(SCALAR_MAX_BYTES);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  /** A 64-bit number given as two unsigned 32-bit halves. */
  uint64Halves(field: number, high: number, low: number): void {
    this.#reserve(SCALAR_MAX_BYTES);
    this.#tag(field, VARINT);
    this.#halves(high, low);
  }

  /** @throws {RaftError} E_CODEC if `id` is not a hex number. */
  nodeId(field: number, id: NodeId): void {
    this.uint64Halves(field, nodeIdHigh(id), nodeIdLow(id));
  }

  /**
   * A number of any 64 bits; negative ones take ten bytes, as in protobuf.
   *
   * @throws {RaftError} E_U64_RANGE outside of [-2^63, 2^64), or for a number that is not a safe integer.
   */
  int64(field: number, value: number | bigint): void {
    if (typeof value === "number" && value >= 0) {
      this.uint64(field, value);
      return;
    }
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw rangeError(value);
    const big = BigInt(value);
    if (big < -(1n << 63n) || big >= 1n << 64n) throw rangeError(value);
    const bits = BigInt.asUintN(64, big);
    this.uint64Halves(field, Number(bits >> 32n), Number(bits & 0xffff_ffffn));
  }

  /** Writes a field of one byte, also when it is false. */
  bool(field: number, value: boolean): void {
    this.#reserve(SCALAR_MAX_BYTES);
    this.#tag(field, VARINT);
    this.#buffer[this.#length++] = value ? 1 : 0;
  }

  /** Writes a length-delimited field; the bytes are copied. */
  bytes(field: number, value: Uint8Array): void {
    this.message(field, value.length);
    this.raw(value);
  }

  /** UTF-8; a lone surrogate U+DC80 to U+DCFF is written as the byte it stands for (text.ts). */
  string(field: number, value: string): void {
    this.#reserve(SCALAR_MAX_BYTES + TEXT_UNIT_MAX_BYTES * value.length);
    this.#tag(field, LENGTH_DELIMITED);
    // The size is known only afterwards: leave room as for ASCII, and move the text if that was wrong.
    const guessed = this.#length + uint64Size(value.length);
    const size = writeText(this.#buffer, guessed, value) - guessed;
    const start = this.#length + uint64Size(size);
    if (start !== guessed) this.#buffer.copyWithin(start, guessed, guessed + size);
    this.#varint(size);
    this.#length += size;
  }

  /** The head of a nested message: its `sizeBytes` bytes must be written next. */
  message(field: number, sizeBytes: number): void {
    this.#reserve(SCALAR_MAX_BYTES);
    this.#tag(field, LENGTH_DELIMITED);
    this.#varint(sizeBytes);
  }

  /** Bytes as they are, without a tag. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #tag(field: number, wireType: number): void {
    if (field < 16) this.#buffer[this.#length++] = (field << 3) | wireType;
    else this.#varint(field * 8 + wireType);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= TWO_28) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  #halves(high: number, low: number): void {
    if (high < 0x20_0000) {
      this.#varint(high * TWO_32 + low);
      return;
    }
    // 28 bits of the lower half, then the four that are left join the upper half.
    for (let shift = 0; shift < 28; shift += 7) this.#buffer[this.#length++] = ((low >>> shift) & 127) | 128;
    this.#varint(high * 16 + (low >>> 28));
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#length + sizeBytes;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function rangeError(value: number | bigint): RaftError {
  return new RaftError("E_U64_RANGE", `${value} cannot be written as a 64-bit number`);
}
