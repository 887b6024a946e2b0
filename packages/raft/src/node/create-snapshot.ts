// The order in which an own snapshot comes into being: durable first, then in memory, then the
// entries that it covers go (architecture §5.5).

import { RaftError } from "../errors.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import type { ConfState } from "../types.ts";
import type { Disk } from "./disk.ts";
import type { Loop } from "./loop.ts";

/** A state machine as of an applied entry. */
export interface SnapshotRequest {
  /** The last entry that `data` contains. */
  readonly index: number;
  /** The configuration as of `index`: `appliedConfState` at that moment. */
  readonly confState: ConfState;
  /** Kept, not copied: it is what followers that are far behind get. */
  readonly data: Uint8Array;
  /** Entries before `index` that stay in memory, so that a slow follower needs no snapshot. */
  readonly keepEntries: number;
}

/** Stores a snapshot and compacts the log in memory. @throws {RaftError} as `RaftNode.createSnapshot`. */
export async function createSnapshot(
  memory: MemoryStorage,
  disk: Disk,
  loop: Loop,
  { index, confState, data, keepEntries }: SnapshotRequest,
): Promise<void> {
  if (disk.hasSnapshot) throw new RaftError("E_BUSY", "another snapshot is being written");
  const term = memory.term(index);
  if (index <= memory.snapshot().meta.index || typeof term !== "number") {
    throw new RaftError(
      "E_SNAP_OUT_OF_DATE",
      `there is a snapshot at ${memory.snapshot().meta.index} already`,
    );
  }
  try {
    await disk.saveSnapshot({ meta: { index, term, confState }, data });
  } catch (cause) {
    throw loop.fail(cause);
  }
  // A newer snapshot of the leader may have taken its place.
  if (index <= memory.snapshot().meta.index) return;
  memory.createSnapshot(index, confState, data);
  if (index > keepEntries) memory.compact(index - keepEntries);
}
