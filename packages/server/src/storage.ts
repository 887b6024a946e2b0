// The write-ahead log and the snapshot files as the driver's stable storage: one order of writes,
// in one place (architecture §5.5, disk-format.md §8).

import type { HardState, Snapshot } from "@kv/raft";
import type { SaveBatch, StableStorage } from "@kv/raft/node";
import type { DirectoryLock, Wal } from "@kv/wal";
import type { Snapshotter } from "@kv/wal/snap";
import type { ServerConfig } from "./config.ts";
import type { DurationHistogram } from "./metrics.ts";

/** What a member keeps its log and snapshots in, beyond what the driver asks of it. */
export interface MemberStorage extends StableStorage {
  /** Of the log's syncs. */
  readonly fsyncDurations: DurationHistogram;
  /** Removes old segments and snapshots that nothing needs, and tells which. */
  purge(limits: Pick<ServerConfig, "maxSnapshots" | "maxWals">): Promise<readonly string[]>;
  /** Lets another member have the place; the last call. */
  release(): Promise<void>;
}

/** What is open in a data directory. */
interface DiskParts {
  readonly wal: Wal;
  readonly fsyncDurations: DurationHistogram;
  readonly snapshotter: Snapshotter;
  /** Held for the life of the member. */
  readonly lock: DirectoryLock;
}

/** Stable storage on disk. Every failure is final: the driver stops the member. */
export class DiskStorage implements MemberStorage {
  readonly fsyncDurations: DurationHistogram;
  readonly #wal: Wal;
  readonly #snapshotter: Snapshotter;
  readonly #lock: DirectoryLock;

  constructor({ wal, fsyncDurations, snapshotter, lock }: DiskParts) {
    this.fsyncDurations = fsyncDurations;
    this.#wal = wal;
    this.#snapshotter = snapshotter;
    this.#lock = lock;
  }

  /** Resolves when everything in the batch is durable. A received snapshot goes first, with its record before its file. */
  save(batch: SaveBatch): Promise<void> {
    if (batch.snapshot !== null) return this.#saveReceived(batch.snapshot, batch);
    return this.#wal.save(batch.hardState, batch.entries, batch.mustSync, batch);
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

  /** @throws {WalError} */
  async purge({
    maxSnapshots,
    maxWals,
  }: Pick<ServerConfig, "maxSnapshots" | "maxWals">): Promise<readonly string[]> {
    return [
      ...(maxSnapshots === 0 ? [] : await this.#snapshotter.purge({ maxSnapshots })),
      ...(maxWals === 0 ? [] : await this.#wal.purge({ maxSegments: maxWals })),
    ];
  }

  release(): Promise<void> {
    return this.#lock.release();
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
