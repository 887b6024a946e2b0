// A disk that is only memory: for tests, simulations and members that may forget everything.

import { MemoryStorage } from "../memory-storage.ts";
import type { Snapshot } from "../types.ts";
import type { SaveBatch, StableStorage } from "./storage.ts";

/** Stable storage that outlives a node but not the process. */
export class MemoryStable implements StableStorage {
  readonly #saved = new MemoryStorage();

  save(batch: SaveBatch): Promise<void> {
    if (batch.snapshot !== null) this.#saved.applySnapshot(batch.snapshot);
    if (batch.hardState !== null) this.#saved.setHardState(batch.hardState);
    this.#saved.append(batch.entries);
    return Promise.resolve();
  }

  saveSnapshot({ meta, data }: Snapshot): Promise<void> {
    this.#saved.createSnapshot(meta.index, meta.confState, data);
    this.#saved.compact(meta.index);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** What a node that starts now would find: a storage of its own. */
  load(): MemoryStorage {
    const loaded = new MemoryStorage();
    const snapshot = this.#saved.snapshot();
    if (snapshot.meta.index > 0) loaded.applySnapshot(snapshot);
    loaded.setHardState(this.#saved.initialState().hardState);
    const entries = this.#saved.entries(
      this.#saved.firstIndex(),
      this.#saved.lastIndex() + 1,
      Number.POSITIVE_INFINITY,
    );
    if ("length" in entries) loaded.append(entries);
    return loaded;
  }
}
