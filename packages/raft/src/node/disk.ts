// Order among the writes of one node: at most one save at a time, the start of a snapshot never
// inside a save, and two snapshots never at once.

import { assert } from "../assert.ts";
import type { Snapshot } from "../types.ts";
import type { SaveBatch, StableStorage } from "./storage.ts";

/** Starts writes in the order that `StableStorage` is promised. */
export class Disk {
  readonly #stable: StableStorage;
  #isSaving = false;
  // Index of the last snapshot that was received.
  #receivedIndex = 0;
  // The own snapshot: waiting for the save to end, or being written.
  #waiting: (() => void) | null = null;
  #writing: Promise<void> | null = null;

  constructor(stable: StableStorage) {
    this.#stable = stable;
  }

  get isSaving(): boolean {
    return this.#isSaving;
  }

  /** Whether an own snapshot is waiting or being written. */
  get hasSnapshot(): boolean {
    return this.#waiting !== null || this.#writing !== null;
  }

  /** Resolves when `batch` is durable. */
  save(batch: SaveBatch): Promise<void> {
    assert(!this.#isSaving, "at most one save is in flight");
    this.#isSaving = true;
    if (batch.snapshot !== null) this.#receivedIndex = batch.snapshot.meta.index;
    const isBehindSnapshot = batch.snapshot !== null && this.#writing !== null;
    const saved = isBehindSnapshot
      ? this.#writing!.then(() => this.#stable.save(batch))
      : this.#stable.save(batch);
    return saved.then(this.#onSaved);
  }

  /** Resolves when the own snapshot is durable, or a received one that is newer. One at a time. */
  saveSnapshot(snapshot: Snapshot): Promise<void> {
    assert(!this.hasSnapshot, "at most one own snapshot is being written");
    return new Promise((resolve, reject) => {
      this.#waiting = () => {
        this.#waiting = null;
        if (snapshot.meta.index <= this.#receivedIndex) {
          resolve();
          return;
        }
        this.#writing = this.#stable.saveSnapshot(snapshot).finally(() => {
          this.#writing = null;
        });
        this.#writing.then(resolve, reject);
      };
      if (!this.#isSaving) this.#waiting();
    });
  }

  /** Resolves when no own snapshot is in flight; whether it has failed is told by `saveSnapshot`. */
  async settled(): Promise<void> {
    await this.#writing?.catch(() => null);
  }

  /** To be called when nothing is in flight any more. */
  close(): Promise<void> {
    return this.#stable.close();
  }

  readonly #onSaved = (): void => {
    this.#isSaving = false;
    this.#waiting?.();
  };
}
