// Which saves may keep the thread: the driver knows that a batch is lone, and this is where it is known
// whether anybody reads from this member meanwhile. Who reads must not wait for the disk.

import type { Snapshot } from "@kv/raft";
import type { SaveBatch, StableStorage } from "@kv/raft/node";

/** Reads between two saves by which a lone writer is known to have the member to itself. */
const IDLE_READS_MAX = 1;

/** Stable storage whose lone batches are lone only while next to nobody reads. */
export class LoneSaves implements StableStorage {
  readonly #stable: StableStorage;
  readonly #readCount: () => number;
  #readCountBefore = 0;

  /** `readCount`: how many reads this member has answered so far. */
  constructor(stable: StableStorage, readCount: () => number) {
    this.#stable = stable;
    this.#readCount = readCount;
  }

  save(batch: SaveBatch): Promise<void> {
    const readCount = this.#readCount();
    const isIdle = readCount - this.#readCountBefore <= IDLE_READS_MAX;
    this.#readCountBefore = readCount;
    return this.#stable.save(batch.isLone && !isIdle ? { ...batch, isLone: false } : batch);
  }

  saveSnapshot(snapshot: Snapshot): Promise<void> {
    return this.#stable.saveSnapshot(snapshot);
  }

  close(): Promise<void> {
    return this.#stable.close();
  }
}
