// Frames of one segment back to records, with the running crc. It reads what etcd 2.0 to 2.3
// write (frames close together) and what 3.x writes (padded to eight bytes, zeros behind the
// last one), and is strict about every bit the crc does not cover. Hot path on restart.
// Source: disk-format.md §3.2 to §3.4.

import { crc32cOfRange } from "./crc32c.ts";
import { LENGTH_FIELD_BYTES } from "./encoder.ts";
import { RecordType } from "./record.ts";

const TYPE_TAG = 0x08;
const CRC_TAG = 0x10;
const DATA_TAG = 0x1a;
const CRC_MAX = 0xffff_ffff;

/**
 * Why there is no further frame: the bytes `end`, only `zeros` are left, or the next frame is `bad`
 * (cut off, malformed, or its crc does not match; `reason` says which).
 */
export type DecoderStop = "end" | "zeros" | "bad";

/** Where the parts of a record are. `dataEnd` equals `dataStart` when there is no data. */
export interface RecordHead {
  readonly type: RecordType;
  readonly crc: number;
  readonly dataStart: number;
  readonly dataEnd: number;
}

/** A length field that a writer can have written, taken apart. */
export interface FrameLength {
  readonly recordBytes: number;
  readonly paddingBytes: number;
}

/** Walks over the frames of a segment. After `next` said true, the fields describe the current record. */
export class Decoder {
  readonly bytes: Uint8Array;
  /** Start of the current frame; after the last one, the end of what is good. */
  offset = 0;
  type: RecordType = RecordType.Crc;
  dataStart = 0;
  dataEnd = 0;
  /** The running crc up to and including the current record. */
  crc: number;
  /** Whether a padded frame was seen: the segment was written by 3.x. */
  hasPadding = false;
  stop: DecoderStop = "end";
  /** What is wrong with the frame at `offset` when `stop` is `bad`; `isCrc` when it is the checksum. */
  reason = "";
  isCrcMismatch = false;

  readonly #acceptsAnyCrc: boolean;
  #next = 0;

  /** @param crc the running crc at the end of the segment before, or null for the first segment that is read. */
  constructor(bytes: Uint8Array, crc: number | null) {
    this.bytes = bytes;
    this.crc = crc ?? 0;
    this.#acceptsAnyCrc = crc === null;
  }

  /** A copy of the data of the current record, so that what is kept of it does not pin the segment. */
  data(): Uint8Array {
    return this.bytes.slice(this.dataStart, this.dataEnd);
  }

  /** Moves to the next record; false when there is none, and `stop` says why. */
  next(): boolean {
    const start = this.#next;
    this.offset = start;
    if (start === this.bytes.length) return this.#stopAt("end", "");
    if (start + LENGTH_FIELD_BYTES > this.bytes.length) {
      return this.#stopAt("bad", "the file ends inside a length field");
    }
    const length = frameLengthAt(this.bytes, start);
    if (length === null || length.recordBytes === 0) {
      if (isZero(this.bytes, start, this.bytes.length)) return this.#stopAt("zeros", "");
      return this.#stopAt("bad", "the length field is none that a writer writes");
    }
    const recordStart = start + LENGTH_FIELD_BYTES;
    const recordEnd = recordStart + length.recordBytes;
    if (recordEnd + length.paddingBytes > this.bytes.length) {
      return this.#stopAt("bad", "the frame is longer than the rest of the file");
    }
    const head = recordHeadAt(this.bytes, recordStart, recordEnd);
    if (head === null || head.dataEnd !== recordEnd) return this.#stopAt("bad", "the record does not parse");
    if (!isZero(this.bytes, recordEnd, recordEnd + length.paddingBytes)) {
      return this.#stopAt("bad", "the padding is not zero");
    }
    const crc = crcAfter(this.bytes, head, this.crc);
    if (crc !== head.crc && !(this.#acceptsAnyCrc && start === 0 && head.type === RecordType.Crc)) {
      this.isCrcMismatch = true;
      return this.#stopAt(
        "bad",
        `wal: crc mismatch: the crc is ${hex8(crc)}, the record says ${hex8(head.crc)}`,
      );
    }

    this.type = head.type;
    this.dataStart = head.dataStart;
    this.dataEnd = head.dataEnd;
    this.crc = head.crc;
    if (length.paddingBytes > 0) this.hasPadding = true;
    this.#next = recordEnd + length.paddingBytes;
    return true;
  }

  #stopAt(stop: DecoderStop, reason: string): false {
    this.stop = stop;
    this.reason = reason;
    return false;
  }
}

/**
 * The length field at `offset`, or null when no writer writes such a one. Eight bytes must be there.
 * 2.x: the length of the record. 3.x: in the top byte also 0x80 and the number of padding bytes.
 */
export function frameLengthAt(bytes: Uint8Array, offset: number): FrameLength | null {
  const low = bytes[offset]! + bytes[offset + 1]! * 0x100 + bytes[offset + 2]! * 0x1_0000;
  const high = bytes[offset + 3]! + bytes[offset + 4]! * 0x100 + bytes[offset + 5]! * 0x1_0000;
  const recordBytes = low + (high + bytes[offset + 6]! * 0x100_0000) * 0x100_0000;
  const top = bytes[offset + 7]!;
  if (top === 0) return { recordBytes, paddingBytes: 0 };
  const paddingBytes = (8 - (recordBytes % 8)) % 8;
  return paddingBytes > 0 && top === (0x80 | paddingBytes) ? { recordBytes, paddingBytes } : null;
}

/**
 * The head of the record at `start`, or null when there is none. Its data may end beyond the bytes;
 * nothing at or beyond `limit` is looked at. A crc record has no data, the others always have.
 */
export function recordHeadAt(bytes: Uint8Array, start: number, limit: number): RecordHead | null {
  if (limit - start < 4 || bytes[start] !== TYPE_TAG || bytes[start + 2] !== CRC_TAG) return null;
  const type = recordTypeOf(bytes[start + 1]!);
  const crc = varintAt(bytes, start + 3, limit);
  if (type === null || crc === null || crc.value > CRC_MAX) return null;
  if (type === RecordType.Crc) return { type, crc: crc.value, dataStart: crc.end, dataEnd: crc.end };
  if (crc.end >= limit || bytes[crc.end] !== DATA_TAG) return null;
  const length = varintAt(bytes, crc.end + 1, limit);
  if (length === null || length.value === 0) return null;
  return { type, crc: crc.value, dataStart: length.end, dataEnd: length.end + length.value };
}

/** The running crc after a record, from the one before it. */
export function crcAfter(bytes: Uint8Array, head: RecordHead, before: number): number {
  return crc32cOfRange(bytes, head.dataStart, head.dataEnd, before);
}

/** Whether `bytes[start, end)` holds zeros only. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== 0) return false;
  }
  return true;
}

function recordTypeOf(value: number): RecordType | null {
  switch (value) {
    case RecordType.Metadata:
    case RecordType.Entry:
    case RecordType.State:
    case RecordType.Crc:
    case RecordType.Snapshot:
      return value;
    default:
      return null;
  }
}

/** A varint of at most five bytes: nothing in the head of a record is longer. */
function varintAt(bytes: Uint8Array, start: number, limit: number): { value: number; end: number } | null {
  let value = 0;
  let scale = 1;
  for (let at = start; at < limit && at < start + 5; at++) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) return { value, end: at + 1 };
  }
  return null;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}
