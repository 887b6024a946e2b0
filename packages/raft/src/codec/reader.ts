// Reads protobuf fields from a bounded range of bytes, whatever their order. Nothing is trusted:
// every length is checked, every loop ends, and the only error is a RaftError.
// Spec: raft.md §2.4. Hot path.

import { RaftError } from "../errors.ts";
import type { NodeId } from "../types.ts";
import { nodeIdFromHalves } from "./node-id.ts";
import { readText } from "./text.ts";

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

const TWO_32 = 0x1_0000_0000;
/** Above this a number is not below 2^53. */
const SAFE_HIGH = 0x1f_ffff;

/**
 * A decoder over a range of bytes. The caller moves from field to field and reads or skips each:
 *
 * ```ts
 * while (reader.next()) {
 *   if (reader.field === 1) term = reader.uint64();
 *   else reader.skip();
 * }
 * ```
 *
 * Bytes are handed out as views, which pin the whole buffer.
 * All methods throw RaftError E_CODEC for truncated or malformed input and for an unexpected wire type.
 */
export class Reader {
  /** Number of the current field, after `next` said true. */
  field = 0;

  readonly #bytes: Uint8Array;
  #position: number;
  #end: number;
  #wireType = VARINT;
  #high = 0;
  #low = 0;

  /** Reads `bytes` in [start, end). */
  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length))
      throw malformed("the range lies outside of the bytes");
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Whether the (nested) message has no more fields. */
  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    const first = this.#bytes[this.#position]!;
    let tag = first;
    if (first < 0x80) {
      this.#position++;
    } else {
      this.#varint();
      if (this.#high !== 0) throw malformed("a tag is above 32 bits");
      tag = this.#low;
    }
    this.field = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.field === 0) throw malformed("a field number is 0");
    return true;
  }

  /** Passes over the current field. Groups are refused. */
  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
        return;
      case FIXED_64:
        this.#advance(8);
        return;
      case LENGTH_DELIMITED:
        this.#advance(this.#lengthPrefix());
        return;
      case FIXED_32:
        this.#advance(4);
        return;
      default:
        throw malformed("a field is a group or of an unknown wire type");
    }
  }

  /** @throws {RaftError} E_U64_RANGE above 2^53−1: corruption or an attack. */
  uint64(): number {
    this.#expect(VARINT);
    const first = this.#bytes[this.#position]!;
    if (this.#position < this.#end && first < 0x80) {
      this.#position++;
      return first;
    }
    this.#varint();
    if (this.#high > SAFE_HIGH) throw new RaftError("E_U64_RANGE", `field ${this.field} is above 2^53-1`);
    return this.#high * TWO_32 + this.#low;
  }

  /** Any unsigned 64-bit number: a number when it is safe, else a bigint. */
  uint64OrBigint(): number | bigint {
    this.#expect(VARINT);
    this.#varint();
    if (this.#high > SAFE_HIGH) return (BigInt(this.#high) << 32n) | BigInt(this.#low);
    return this.#high * TWO_32 + this.#low;
  }

  /** A signed 64-bit number (not zigzag). */
  int64(): bigint {
    this.#expect(VARINT);
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low);
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low));
  }

  /** Reads a 64-bit number and returns its upper half; `low` has the lower one until the next read. */
  uint64High(): number {
    this.#expect(VARINT);
    this.#varint();
    return this.#high;
  }

  /** Lower 32 bits of the number that `uint64High` has read. */
  get low(): number {
    return this.#low;
  }

  /** A varint of 64 bits as an interned node id. */
  nodeId(): NodeId {
    this.#expect(VARINT);
    this.#varint();
    return nodeIdFromHalves(this.#high, this.#low);
  }

  /** Appends one id, or all of a packed field, to `ids`. */
  nodeIds(ids: NodeId[]): void {
    if (this.#wireType !== LENGTH_DELIMITED) {
      ids.push(this.nodeId());
      return;
    }
    const outer = this.open();
    while (this.#position < this.#end) {
      this.#varint();
      ids.push(nodeIdFromHalves(this.#high, this.#low));
    }
    this.close(outer);
  }

  /** A varint; everything but 0 is true. */
  bool(): boolean {
    this.#expect(VARINT);
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** A view of the bytes of this field. */
  bytes(): Uint8Array {
    this.#expect(LENGTH_DELIMITED);
    const length = this.#lengthPrefix();
    const start = this.#position;
    this.#advance(length);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }

  /** UTF-8; a byte b that is not part of it becomes the lone surrogate U+DC00+b (text.ts). */
  string(): string {
    this.#expect(LENGTH_DELIMITED);
    const length = this.#lengthPrefix();
    const start = this.#position;
    this.#advance(length);
    return readText(this.#bytes, start, start + length);
  }

  /** Enters the nested message of this field: `next` then moves inside it. Returns what `close` wants back. */
  open(): number {
    this.#expect(LENGTH_DELIMITED);
    const length = this.#lengthPrefix();
    const outer = this.#end;
    if (length > outer - this.#position) throw truncated();
    this.#end = this.#position + length;
    return outer;
  }

  /** Leaves a nested message, read to its end or not. */
  close(outer: number): void {
    this.#position = this.#end;
    this.#end = outer;
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType)
      throw malformed(`field ${this.field} has wire type ${this.#wireType}, not ${wireType}`);
  }

  #advance(length: number): void {
    if (length > this.#end - this.#position) throw truncated();
    this.#position += length;
  }

  #lengthPrefix(): number {
    this.#varint();
    return this.#high * TWO_32 + this.#low; // not exact above 2^53, where it is too long anyway
  }

  // Leaves the number in #high and #low. Accepts padded forms of up to ten bytes, as etcd does.
  #varint(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#position;
    let low = 0;
    let high = 0;
    let byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (at >= end) throw truncated();
      if (shift > 63) throw malformed("a varint is longer than ten bytes");
      byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) {
        low |= bits << shift;
      } else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) {
        high |= bits << (shift - 32);
      } else {
        if (bits > 1) throw malformed("a varint is above 64 bits");
        high |= bits << 31;
      }
    }
    this.#position = at;
    this.#low = low >>> 0;
    this.#high = high >>> 0;
  }
}

function truncated(): RaftError {
  return malformed("the bytes end inside a field");
}

function malformed(message: string): RaftError {
  return new RaftError("E_CODEC", message);
}
