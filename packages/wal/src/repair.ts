// The end of a log that was being written when the machine or the process died, told apart from a
// log that was damaged afterwards. Only the first may be cut off: behind damage there are records
// that were promised to others.
//
// Real etcd takes every frame that is longer than the rest of the file for torn, so that one flipped
// bit in a length field silently drops all that follows. Here the record's own fields, which say the
// length a second time, and whatever valid frames follow decide. Source: disk-format.md §3.8.

import * as path from "node:path";
import { crcAfter, frameLengthAt, isZero, recordHeadAt } from "./decoder.ts";
import { LENGTH_FIELD_BYTES } from "./encoder.ts";
import type { FileSystem } from "./file-system.ts";
import { SEGMENT_MODE } from "./file-system.ts";
import { BROKEN_SUFFIX } from "./segment.ts";

/** A disk writes sectors whole or not at all; one that was not written reads as zeros. */
const SECTOR_BYTES = 512;
/**
 * A single zero in a sector of its own is ordinary data: requests end with one. So when only the last
 * byte of a frame did not arrive, the log is refused; that is one unfinished write in 512.
 */
const ZERO_TAIL_MIN_BYTES = 2;
/** The shortest frame: a length field and a crc record. */
const SHORTEST_FRAME_BYTES = LENGTH_FIELD_BYTES + 4;
/** The longest head of a record: three tags, the type, a crc and a length of five bytes each. */
const HEAD_MAX_BYTES = 14;
/** The tags of type and crc stand at fixed places, which makes searching for a frame cheap. */
const RECORD_FIRST_BYTE = 0x08;
const RECORD_THIRD_BYTE = 0x10;

/** What the first frame that cannot be read is: the rest of an unfinished write, or damage, and why. */
export type TailVerdict = { readonly kind: "torn" } | { readonly kind: "damaged"; readonly reason: string };

const TORN: TailVerdict = { kind: "torn" };

/**
 * Judges the bytes from `offset` on, where no frame could be read.
 *
 * `crc` is the running crc up to there; `isPreallocated` says that zeros follow the last frame in any case.
 */
export function examineTail(
  bytes: Uint8Array,
  options: { readonly offset: number; readonly crc: number; readonly isPreallocated: boolean },
): TailVerdict {
  const { offset, crc } = options;
  const recordStart = offset + LENGTH_FIELD_BYTES;
  const head = recordStart < bytes.length ? recordHeadAt(bytes, recordStart, bytes.length) : null;
  const length = recordStart <= bytes.length ? frameLengthAt(bytes, offset) : null;
  const isLengthConfirmed =
    head !== null && length !== null && recordStart + length.recordBytes === head.dataEnd;
  const runsPastEnd =
    length !== null && recordStart + length.recordBytes + length.paddingBytes > bytes.length;

  if (
    head !== null &&
    !isLengthConfirmed &&
    head.dataEnd <= bytes.length &&
    crcAfter(bytes, head, crc) === head.crc
  ) {
    return damaged("the record is whole and its crc right, but the length field says otherwise");
  }
  // Length field and record agree that more bytes were to come: nothing can follow.
  if (isLengthConfirmed && runsPastEnd) return TORN;

  const follower = findFrame(bytes, offset + 1);
  if (follower >= 0) return damaged(`a valid frame follows at offset ${follower}`);
  // Zeros behind a frame whose end is known say nothing about it where 3.x has preallocated them.
  const isEndKnown = options.isPreallocated && length !== null && length.recordBytes > 0 && !runsPastEnd;
  const end = isEndKnown ? recordStart + length.recordBytes : bytes.length;
  if (isZero(bytes, recordStart, end) || hasUnwrittenSector(bytes, offset, end)) return TORN;
  const isCutOff = recordStart > bytes.length || (runsPastEnd && bytes.length - recordStart < HEAD_MAX_BYTES);
  if (head === null && isCutOff) return TORN;
  return damaged("it is not the beginning of a frame that was being written");
}

function damaged(reason: string): TailVerdict {
  return { kind: "damaged", reason };
}

/** The first offset from `from` on where a whole frame begins, by its shape and its two lengths; -1 if none. */
function findFrame(bytes: Uint8Array, from: number): number {
  for (let offset = from; offset + SHORTEST_FRAME_BYTES <= bytes.length; offset++) {
    const recordStart = offset + LENGTH_FIELD_BYTES;
    if (bytes[recordStart] !== RECORD_FIRST_BYTE || bytes[recordStart + 2] !== RECORD_THIRD_BYTE) continue;
    const length = frameLengthAt(bytes, offset);
    if (length === null) continue;
    const recordEnd = recordStart + length.recordBytes;
    if (recordEnd + length.paddingBytes > bytes.length) continue;
    const head = recordHeadAt(bytes, recordStart, recordEnd);
    if (head !== null && head.dataEnd === recordEnd) return offset;
  }
  return -1;
}

/** Whether one of the sectors that `bytes[offset, end)` lies in reads as zeros, as far as it lies in it. */
function hasUnwrittenSector(bytes: Uint8Array, offset: number, end: number): boolean {
  let start = offset;
  while (start < end) {
    const sectorEnd = Math.min(start - (start % SECTOR_BYTES) + SECTOR_BYTES, end);
    if (sectorEnd - start >= ZERO_TAIL_MIN_BYTES && isZero(bytes, start, sectorEnd)) return true;
    start = sectorEnd;
  }
  return false;
}

/**
 * Cuts a segment off at `sizeBytes` and keeps a copy of what it was as `<name>.broken`. The copy is
 * durable before the segment is touched.
 */
export async function truncateTornTail(
  fileSystem: FileSystem,
  segmentPath: string,
  bytes: Uint8Array,
  sizeBytes: number,
): Promise<void> {
  const copy = await fileSystem.open(segmentPath + BROKEN_SUFFIX, "create", SEGMENT_MODE);
  try {
    const written = await copy.write(bytes, bytes.length, 0);
    if (written !== bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes could be copied`);
    await copy.datasync();
  } finally {
    await copy.close();
  }
  await fileSystem.syncDirectory(path.dirname(segmentPath));
  const segment = await fileSystem.open(segmentPath, "write", SEGMENT_MODE);
  try {
    await segment.truncate(sizeBytes);
    await segment.datasync();
  } finally {
    await segment.close();
  }
}
