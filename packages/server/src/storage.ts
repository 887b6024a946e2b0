// The write-ahead log and the snapshot files as the driver's stable storage: one order of writes,
// in one place (architecture §5.5, disk-format.md §8).

import type { HardState, Snapshot } from "@kv/raft";
import type { SaveBatch, StableStorage } from "@kv/raft/node";
import type { Wal } from "@kv/wal";
import type { Snapshotter } from "@kv/wal/snap";

/** Reads between two saves by which a lone writer is known to have the member to itself: nobody waits while the thread does. */
const IDLE_READS_MAX = 1;

/** What of a log is used here. */
type LogOfMember = Pick<Wal, "save" | "saveSnapshotRecord" | "release" | "close">;

/** Stable storage on disk. Every failure is final: the driver stops the member. */
export class DiskStorage implements StableStorage {
  readonly #wal: LogOfMember;
  readonly #snapshotter: Pick<Snapshotter, "save">;
  readonly #readCount: () => number;
  #readCountBefore = 0;

  /** `readCount`: how many reads this member has answered so far. */
  constructor(wal: LogOfMember, snapshotter: Pick<Snapshotter, "save">, readCount: () => number) {
    this.#wal = wal;
    this.#snapshotter = snapshotter;
    this.#readCount = readCount;
  }

  /** Resolves when everything in the batch is durable. A received snapshot goes first, with its record before its file. */
  save(batch: SaveBatch): Promise<void> {
    if (batch.snapshot !== null) return this.#saveReceived(batch.snapshot, batch);
    const readCount = this.#readCount();
    const isIdle = readCount - this.#readCountBefore <= IDLE_READS_MAX;
    this.#readCountBefore = readCount;
    return this.#wal.save(batch.hardState, batch.entries, batch.mustSync, {
      isLone: batch.isLone && isIdle,
    });
  }

  /** Resolves when record and file are durable and segments that only older state needs are released. */
  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    const { index, term } = snapshot.meta;
    await this.#wal.saveSnapshotRecord({ index, term });
    await this.#snapshotter.save(snapshot.meta, snapshot.data ?? new Uint8Array());
    await this.#wal.release(index);
  }

  close(): Promise<void> {
    return this.#wal.close();
  }

  async #saveReceived(snapshot: Snapshot, batch: SaveBatch): Promise<void> {
    await this.saveSnapshot(snapshot);
    await this.#wal.save(hardStateAt(batch.hardState, snapshot), batch.entries, true);
  }
}

/** The hard state after a received snapshot never lags behind it: a log read from there on must start at its index. */
function hardStateAt(hardState: HardState | null, snapshot: Snapshot): HardState | null {
  if (hardState === null || hardState.commit >= snapshot.meta.index) return hardState;
  return { ...hardState, commit: snapshot.meta.index };
}
