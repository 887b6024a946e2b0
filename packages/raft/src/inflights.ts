// The sliding window of appends a peer has not acknowledged: a ring of the last index of each, and
// the bytes they carry. It grows lazily, because thousands of idle groups must stay small.
// Spec: raft.md §7.2. Hot path.

import { assert } from "./assert.ts";

const INITIAL_SLOT_COUNT = 4;
/** Shared until the first append; replaced before anything is written. */
const NO_SLOTS: number[] = [];

/** A bounded queue of unacknowledged appends, oldest first. */
export class Inflights {
  readonly #maxCount: number;
  /** 0 = unlimited. */
  readonly #maxSizeBytes: number;
  // Both rings have the same length, a power of two or maxCount.
  #indexes: number[] = NO_SLOTS;
  #sizes: number[] = NO_SLOTS;
  #start = 0;
  #count = 0;
  #sizeBytes = 0;

  constructor(maxCount: number, maxSizeBytes: number) {
    this.#maxCount = maxCount;
    this.#maxSizeBytes = maxSizeBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of slots that are allocated. */
  get slotCount(): number {
    return this.#indexes.length;
  }

  isFull(): boolean {
    if (this.#count === this.#maxCount) return true;
    return this.#maxSizeBytes !== 0 && this.#sizeBytes >= this.#maxSizeBytes;
  }

  /** Adds an append whose last entry is `index`. Indexes ascend. */
  add(index: number, sizeBytes: number): void {
    assert(!this.isFull(), "nothing is added to a full window");
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = index;
    this.#sizes[slot] = sizeBytes;
    this.#count++;
    this.#sizeBytes += sizeBytes;
  }

  /** Frees all appends whose last index is at most `index`. */
  freeThrough(index: number): void {
    while (this.#count > 0 && this.#indexes[this.#start]! <= index) {
      this.#sizeBytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count--;
    }
  }

  /** Empties the window and keeps its slots. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#sizeBytes = 0;
  }

  #grow(): void {
    const slots = Math.min(this.#maxCount, Math.max(INITIAL_SLOT_COUNT, this.#indexes.length * 2));
    const indexes: number[] = [];
    const sizes: number[] = [];
    for (let i = 0; i < slots; i++) {
      const from = (this.#start + i) % this.#indexes.length;
      indexes.push(i < this.#count ? this.#indexes[from]! : 0);
      sizes.push(i < this.#count ? this.#sizes[from]! : 0);
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
