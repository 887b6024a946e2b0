// What the driver asks of the disk (architecture §6.2).

import type { Entry, HardState, Snapshot } from "../types.ts";

/** What must be durable before the rest of a Ready may happen. */
export interface SaveBatch {
  readonly hardState: HardState | null;
  /** Consecutive; the first may overwrite older ones. */
  readonly entries: readonly Entry[];
  /** Received from the leader. It goes first: entries of the batch come after it. */
  readonly snapshot: Snapshot | null;
  /** Whether it must be durable, or may be written lazily: true if there are entries, or term or vote changed. */
  readonly mustSync: boolean;
  /**
   * One entry, and no message to another member still on its way out of this turn: the member has nothing
   * else to do, so the thread may wait for the disk itself if that is quicker.
   */
  readonly isLone: boolean;
}

/** Entries, hard state and snapshots on a disk. A rejection of any method is fatal for the node. */
export interface StableStorage {
  /** Resolves when the batch is durable. At most one call at a time. */
  save(batch: SaveBatch): Promise<void>;
  /**
   * Stores a snapshot of the own state machine: its record in the log, then the file. Resolves when
   * both are durable and what only older state needs is released.
   *
   * Called while no save is in flight, but saves may follow before it resolves. A batch with a
   * snapshot does not.
   */
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** Called once, after everything else has settled. */
  close(): Promise<void>;
}
