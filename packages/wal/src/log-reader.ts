// Reads the segments of a log one after the other, without changing anything: the first half of
// opening a log for writing, and all of reading one for inspection or backup.
// Source: disk-format.md §3.7, §3.8.

import * as path from "node:path";
import { Decoder } from "./decoder.ts";
import { WalError } from "./errors.ts";
import { isMissing, SEGMENT_MODE } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import type { SnapshotPosition } from "./record.ts";
import { examineTail } from "./repair.ts";
import { Replay } from "./replay.ts";
import type { LogContent } from "./replay.ts";
import { segmentsFrom, segmentsOf } from "./segment.ts";
import type { Segment } from "./segment.ts";

/** The end of the last segment: where and with which running crc the next record continues. */
export interface LogTail {
  readonly segment: Segment;
  /** The whole file, up to its size when it was read. */
  readonly bytes: Uint8Array;
  /** The end of the last good frame. */
  readonly endOffset: number;
  readonly crc: number;
  /** `zeros`: preallocated by 3.x; `torn`: the rest of an unfinished write. Neither holds a record. */
  readonly kind: "clean" | "zeros" | "torn";
  /** Whether 3.x wrote into this segment: nothing unpadded should be appended to it. */
  readonly hasPadding: boolean;
  /** Whether the segment has its opening records. */
  readonly isOpened: boolean;
}

/**
 * Reads all segments. An unfinished write at the end of the last one is accepted and described by the tail.
 *
 * @throws {WalError} for anything else that is not as a writer left it, with segment and offset.
 */
export async function readSegments(
  directory: string,
  segments: readonly Segment[],
  at: SnapshotPosition,
  fileSystem: FileSystem,
): Promise<{ replay: Replay; tail: LogTail }> {
  const replay = new Replay(at);
  let crc: number | null = segments[0]?.sequence === 0 ? 0 : null;
  for (const [i, segment] of segments.entries()) {
    const bytes = await readFile(fileSystem, path.join(directory, segment.name));
    const tail = replaySegment(segment, bytes, crc, replay);
    if (i === segments.length - 1) return { replay, tail };
    if (tail.kind === "torn" || !tail.isOpened) {
      const message = "the segment is not whole, and it is not the last one";
      throw new WalError("E_TORN", message, { at: { segment: segment.name, offset: tail.endOffset } });
    }
    crc = tail.crc;
  }
  throw new WalError("E_NO_SEGMENT", "wal: file not found: no segment to read");
}

/**
 * Reads a log without locking, repairing or otherwise touching it, beside a running server if need be.
 *
 * A torn end and a missing snapshot record are accepted; `hasSnapshotRecord` tells the latter.
 *
 * @throws {WalError} as `Wal.open` and `Wal.readAll`, but never `E_LOCKED` or `E_NO_SNAPSHOT`.
 */
export async function readLog(
  directory: string,
  options: { readonly at: SnapshotPosition; readonly fileSystem: FileSystem },
): Promise<LogContent & { readonly hasSnapshotRecord: boolean }> {
  const segments = segmentsFrom(await listSegments(directory, options.fileSystem), options.at.index);
  const { replay } = await readSegments(directory, segments, options.at, options.fileSystem);
  return { ...replay.finish(), hasSnapshotRecord: replay.hasSnapshotRecord };
}

/** The segments in a log directory, oldest first; none when it is missing. */
export async function listSegments(directory: string, fileSystem: FileSystem): Promise<Segment[]> {
  try {
    return segmentsOf(await fileSystem.list(directory));
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new WalError("E_IO", "the log directory cannot be listed", { cause });
  }
}

/** Reads a whole file into memory of its own. */
export async function readFile(fileSystem: FileSystem, filePath: string): Promise<Uint8Array> {
  try {
    const status = await fileSystem.status(filePath);
    if (status === null) throw new Error(`${path.basename(filePath)} is missing`);
    const file = await fileSystem.open(filePath, "read", SEGMENT_MODE);
    try {
      const bytes = Buffer.allocUnsafeSlow(status.sizeBytes);
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new WalError("E_IO", `${path.basename(filePath)} cannot be read`, { cause });
  }
}

function replaySegment(segment: Segment, bytes: Uint8Array, crc: number | null, replay: Replay): LogTail {
  const decoder = new Decoder(bytes, crc);
  replay.beginSegment();
  while (decoder.next()) replay.take(decoder, segment.name);
  return {
    segment,
    bytes,
    endOffset: decoder.offset,
    crc: decoder.crc,
    kind: tailKind(decoder, segment),
    hasPadding: decoder.hasPadding,
    isOpened: replay.isSegmentOpened,
  };
}

function tailKind(decoder: Decoder, segment: Segment): LogTail["kind"] {
  if (decoder.stop === "end") return "clean";
  // Only 3.x preallocates visible zeros. Behind unpadded frames they are a write that did not arrive.
  if (decoder.stop === "zeros") return decoder.hasPadding ? "zeros" : "torn";
  const verdict = examineTail(decoder.bytes, {
    offset: decoder.offset,
    crc: decoder.crc,
    isPreallocated: decoder.hasPadding,
  });
  if (verdict.kind === "torn") return "torn";
  throw new WalError(
    decoder.isCrcMismatch ? "E_CRC" : "E_DAMAGED",
    `${decoder.reason}; this is not the end of an unfinished write: ${verdict.reason}`,
    { at: { segment: segment.name, offset: decoder.offset } },
  );
}
