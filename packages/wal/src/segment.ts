// Names of log segments and their order. Source: disk-format.md §3.1.
//
//   %016x-%016x.wal      sequence number - raft index the segment was expected to start with

import { WalError } from "./errors.ts";

/** One segment file of a log. */
export interface Segment {
  readonly name: string;
  readonly sequence: number;
  /** The index that was next when the segment was begun; its first entry may overwrite earlier ones. */
  readonly index: number;
}

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/** A file that is being made into a segment carries this behind its name; it is never read. */
export const UNFINISHED_SUFFIX = ".tmp";
/** The copy of a segment before its torn tail was cut off, and a snapshot file that fails its CRC. */
export const BROKEN_SUFFIX = ".broken";

/** The segment with this sequence number and first index. */
export function segmentAt(sequence: number, index: number): Segment {
  return { name: `${hex16(sequence)}-${hex16(index)}.wal`, sequence, index };
}

/** Null when the name is not that of a segment, or its numbers are beyond 2^53. */
export function parseSegmentName(name: string): Segment | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const sequence = Number.parseInt(match[1]!, 16);
  const index = Number.parseInt(match[2]!, 16);
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(index)) return null;
  return { name, sequence, index };
}

/** The segments among the names of a directory, oldest first. */
export function segmentsOf(names: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  for (const name of names) {
    const segment = parseSegmentName(name);
    if (segment !== null) segments.push(segment);
  }
  return segments.toSorted((a, b) => a.sequence - b.sequence || a.index - b.index);
}

/**
 * The segments to read for a snapshot at `index`: the last one that starts at or before it and all later ones.
 *
 * @throws {WalError} `E_NO_SEGMENT` if none starts early enough, `E_GAP` if one is missing in between.
 */
export function segmentsFrom(segments: readonly Segment[], index: number): readonly Segment[] {
  const first = segments.findLastIndex((segment) => segment.index <= index);
  if (first < 0) {
    throw new WalError("E_NO_SEGMENT", `wal: file not found: no segment starts at or before index ${index}`);
  }
  for (let i = first + 1; i < segments.length; i++) {
    const [previous, segment] = [segments[i - 1]!, segments[i]!];
    if (segment.sequence !== previous.sequence + 1) {
      throw new WalError("E_GAP", `segment ${segment.name} does not follow ${previous.name}`);
    }
  }
  return segments.slice(first);
}

/** 16 lower-case hex digits, as in the names of segments and snapshots. */
export function hex16(value: number): string {
  return value.toString(16).padStart(16, "0");
}
