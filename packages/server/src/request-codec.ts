// Requests as the bytes of a log entry: etcd's `Request`, field for field (disk-format.md §2, §6.1).
//
// Hot path. One encode per write, one decode per entry that another member proposed. Scalars are
// written even when zero, optional fields only when given, so that the bytes equal etcd's.

import { Buffer } from "node:buffer";
import { Reader, Slab } from "@kv/raft/codec";
import { bytesToText, textToBytes } from "@kv/store";
import { REQUEST_METHODS, newRequest, type Request, type RequestMethod, type Uint64 } from "./request.ts";

const METHODS: ReadonlySet<string> = new Set(REQUEST_METHODS);

// Every field but the four texts: tags, ten varints of at most ten bytes, flags, and four lengths.
const FIXED_FIELDS_MAX_BYTES = 160;
const UTF8_BYTES_PER_UNIT_MAX = 3;
const INITIAL_SCRATCH_BYTES = 64 * 1024;
const SCRATCH_KEPT_MAX_BYTES = 1024 * 1024;
const TWO_32 = 0x1_0000_0000;

const slab = new Slab();
let scratch = Buffer.allocUnsafeSlow(INITIAL_SCRATCH_BYTES);

/** The bytes of a request, for long: they stay in the raft log. */
export function encodeRequest(request: Request): Uint8Array {
  const textUnits =
    request.method.length + request.path.length + request.val.length + request.prevValue.length;
  const bound = FIXED_FIELDS_MAX_BYTES + textUnits * UTF8_BYTES_PER_UNIT_MAX;
  let out = scratch;
  if (bound > out.length) {
    out = Buffer.allocUnsafeSlow(bound);
    if (bound <= SCRATCH_KEPT_MAX_BYTES) scratch = out;
  }
  let at = 0;
  out[at++] = 0x08;
  at = putHalves(out, at, request.idHigh, request.idLow);
  at = putText(out, at, 0x12, request.method);
  at = putText(out, at, 0x1a, request.path);
  at = putText(out, at, 0x22, request.val);
  at = putFlag(out, at, 0x28, request.dir);
  at = putText(out, at, 0x32, request.prevValue);
  out[at++] = 0x38;
  at = putUint64(out, at, request.prevIndex);
  if (request.prevExist !== null) at = putFlag(out, at, 0x40, request.prevExist);
  out[at++] = 0x48;
  at = putInt64(out, at, request.expiration);
  at = putFlag(out, at, 0x50, request.wait);
  out[at++] = 0x58;
  at = putUint64(out, at, request.since);
  at = putFlag(out, at, 0x60, request.recursive);
  at = putFlag(out, at, 0x68, request.sorted);
  at = putFlag(out, at, 0x70, request.quorum);
  out[at++] = 0x78;
  at = putInt64(out, at, request.time);
  out[at++] = 0x80;
  at = putFlag(out, at, 0x01, request.stream);
  if (request.refresh !== null) {
    out[at++] = 0x88;
    at = putFlag(out, at, 0x01, request.refresh);
  }
  const bytes = slab.cut(at);
  out.copy(bytes, 0, 0, at);
  return bytes;
}

/**
 * Reads a request. An entry of a 3.x log wraps it in field 2 of an outer record: that is looked into.
 *
 * @returns null when the bytes hold no v2 request (an entry of the v3 API).
 * @throws {RaftError} `E_CODEC` when they are no protobuf at all.
 */
export function decodeRequest(bytes: Uint8Array): Request | null {
  const request = readRequest(bytes);
  if (request !== null) return request;
  const nested = nestedRequest(bytes);
  return nested === null ? null : readRequest(nested);
}

/** The two halves of the id alone, or null when the first field is something else. `out` receives [high, low]. */
export function peekRequestId(bytes: Uint8Array, out: Uint32Array): boolean {
  if (bytes.length < 2 || bytes[0] !== 0x08) return false;
  let low = 0;
  let high = 0;
  let shift = 0;
  for (let at = 1; at < bytes.length && at <= 10; at++) {
    const byte = bytes[at] ?? 0;
    const bits = byte & 0x7f;
    if (shift < 28) low += bits * 2 ** shift;
    else if (shift === 28) {
      low += (bits & 0x0f) * 2 ** 28;
      high += bits >> 4;
    } else high += bits * 2 ** (shift - 32);
    if (byte < 0x80) {
      out[0] = high % TWO_32;
      out[1] = low % TWO_32;
      return true;
    }
    shift += 7;
  }
  return false;
}

function readRequest(bytes: Uint8Array): Request | null {
  const request = newRequest("GET", "");
  const reader = new Reader(bytes);
  let method = "";
  while (reader.next()) {
    // Fields come in ascending order; a record of the v3 API has none of our methods in field 2.
    if (reader.field > 2 && method === "") return null;
    switch (reader.field) {
      case 1:
        request.idHigh = reader.uint64High();
        request.idLow = reader.low;
        break;
      case 2:
        method = text(reader.bytes());
        if (!isMethod(method)) return null;
        request.method = method;
        break;
      case 3:
        request.path = text(reader.bytes());
        break;
      case 4:
        request.val = text(reader.bytes());
        break;
      case 5:
        request.dir = reader.bool();
        break;
      case 6:
        request.prevValue = text(reader.bytes());
        break;
      case 7:
        request.prevIndex = reader.uint64OrBigint();
        break;
      case 8:
        request.prevExist = reader.bool();
        break;
      case 9:
        request.expiration = reader.int64();
        break;
      case 10:
        request.wait = reader.bool();
        break;
      case 11:
        request.since = reader.uint64OrBigint();
        break;
      case 12:
        request.recursive = reader.bool();
        break;
      case 13:
        request.sorted = reader.bool();
        break;
      case 14:
        request.quorum = reader.bool();
        break;
      case 15:
        request.time = reader.int64();
        break;
      case 16:
        request.stream = reader.bool();
        break;
      case 17:
        request.refresh = reader.bool();
        break;
      default:
        reader.skip();
    }
  }
  return method === "" ? null : request;
}

function isMethod(word: string): word is RequestMethod {
  return METHODS.has(word);
}

/** The content of field 2, if the bytes are a 3.x wrapper around a v2 request. */
function nestedRequest(bytes: Uint8Array): Uint8Array | null {
  const reader = new Reader(bytes);
  while (reader.next()) {
    if (reader.field === 2) return reader.bytes();
    reader.skip();
  }
  return null;
}

// A copy of its own: what is stored in the tree must not keep the entry's bytes alive (performance.md §8).
function text(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoded = view.toString("utf8");
  // U+FFFD is what the decoder puts for bytes that are not UTF-8, but it may also stand there genuinely.
  return decoded.includes("\ufffd") ? bytesToText(bytes) : decoded;
}

function putText(out: Buffer, at: number, tag: number, value: string): number {
  out[at++] = tag;
  const length = value.length;
  if (length === 0) {
    out[at++] = 0;
    return at;
  }
  if (!value.isWellFormed()) {
    const bytes = textToBytes(value);
    at = putVarint(out, at, bytes.length);
    out.set(bytes, at);
    return at + bytes.length;
  }
  // Most texts are short and ASCII: guess a one-byte length, and move the text if that was wrong.
  const written = out.write(value, at + 1, "utf8");
  if (written < 0x80) {
    out[at] = written;
    return at + 1 + written;
  }
  const lengthBytes = varintLength(written);
  out.copyWithin(at + lengthBytes, at + 1, at + 1 + written);
  putVarint(out, at, written);
  return at + lengthBytes + written;
}

function putFlag(out: Buffer, at: number, tag: number, value: boolean): number {
  out[at] = tag;
  out[at + 1] = value ? 1 : 0;
  return at + 2;
}

function putUint64(out: Buffer, at: number, value: Uint64): number {
  if (typeof value === "number") return putVarint(out, at, value);
  return putBigVarint(out, at, value);
}

function putInt64(out: Buffer, at: number, value: bigint): number {
  if (value === 0n) {
    out[at] = 0;
    return at + 1;
  }
  return putBigVarint(out, at, BigInt.asUintN(64, value));
}

function putBigVarint(out: Buffer, at: number, value: bigint): number {
  return putHalves(out, at, Number(value >> 32n), Number(value & 0xffff_ffffn));
}

function putHalves(out: Buffer, at: number, high: number, low: number): number {
  if (high === 0) return putVarint(out, at, low);
  for (let i = 0; i < 4; i++) {
    out[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  // Four bits of the low half are left; three of the high half join them.
  const middle = low | ((high & 0x07) << 4);
  high >>>= 3;
  if (high === 0) {
    out[at++] = middle;
    return at;
  }
  out[at++] = middle | 0x80;
  return putVarint(out, at, high);
}

function putVarint(out: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    out[at++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  out[at++] = value;
  return at;
}

function varintLength(value: number): number {
  let length = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 0x80);
    length++;
  }
  return length;
}
