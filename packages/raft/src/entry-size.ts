// Sizes of entries as the limits of raft count them: encoded bytes for messages and for applying,
// payload bytes for the uncommitted tail. Spec: raft.md §2.4. Hot path.

import { entrySize } from "./codec/index.ts";
import type { Entry } from "./types.ts";

/** The summed encoded size of `entries` in bytes. */
export function entriesSizeBytes(entries: readonly Entry[]): number {
  let sizeBytes = 0;
  for (let i = 0; i < entries.length; i++) sizeBytes += entrySize(entries[i]!);
  return sizeBytes;
}

/** The summed length of the data of `entries` in bytes. */
export function payloadSizeBytes(entries: readonly Entry[]): number {
  let sizeBytes = 0;
  for (let i = 0; i < entries.length; i++) sizeBytes += entries[i]!.data?.length ?? 0;
  return sizeBytes;
}

/**
 * The end of the longest part [lo, end) of `entries` that begins at position `lo`, ends at most at `hi`
 * and has at most `maxSizeBytes` encoded bytes, but at least one entry if lo < hi.
 */
export function limitSize(entries: readonly Entry[], lo: number, hi: number, maxSizeBytes: number): number {
  if (lo >= hi) return lo;
  let sizeBytes = entrySize(entries[lo]!);
  for (let end = lo + 1; end < hi; end++) {
    sizeBytes += entrySize(entries[end]!);
    if (sizeBytes > maxSizeBytes) return end;
  }
  return hi;
}
