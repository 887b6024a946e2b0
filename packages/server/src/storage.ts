// The write-ahead log and the snapshot files as the driver's stable storage: one order of writes,
// in one place (architecture §5.5, disk-format.md §8).

import type { HardState, Snapshot } from "@kv/raft";
import type { SaveBatch, StableStorage } from "@kv/raft/node";
import type { Wal } from "@kv/wal";
import type { Snapshotter } from "@kv/wal/snap";

/** Stable storage on disk. Every failure is final: the driver stops the member. */
export class DiskStorage implements StableStorage {
  readonly #wal: Wal;
  readonly #snapshotter: Snapshotter;

  constructor(wal: Wal, snapshotter: Snapshotter) {
    this.#wal = wal;
    this.#snapshotter = snapshotter;
  }

  /** Resolves when everything in the batch is durable. A received snapshot goes first, with its record before its file. */
  save(batch: SaveBatch): Promise<void> {
    if (batch.snapshot !== null) return this.#saveReceived(batch.snapshot, batch);
    return this.#wal.save(batch.hardState, batch.entries, batch.mustSync);
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
