// Sorting in pieces: items come in as runs, each sorted, and go out in order by merging. The work of one call stays
// small, however many items there are. For very large directories.

/** Items in the order of `compare`, without ever sorting all of them in one go. */
export class SortedRuns<T> {
  readonly #compare: (a: T, b: T) => number;
  /** A min-heap of runs by their next item. */
  readonly #runs: Run<T>[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  /** Adds a run, which must be in order and is not changed any more. */
  add(items: readonly T[]): void {
    const first = items[0];
    if (first === undefined) return;
    this.#runs.push({ items, next: first, taken: 1 });
    for (let position = this.#runs.length - 1; position > 0;) {
      const above = (position - 1) >> 1;
      if (!this.#swapIfBefore(position, above)) break;
      position = above;
    }
  }

  /** The smallest item left; null when there is none. */
  next(): T | null {
    const run = this.#runs[0];
    if (run === undefined) return null;
    const item = run.next;
    const following = run.items[run.taken];
    if (following === undefined) {
      const last = this.#runs.pop();
      if (last !== undefined && last !== run) this.#runs[0] = last;
    } else {
      run.next = following;
      run.taken++;
    }
    this.#sinkTop();
    return item;
  }

  #sinkTop(): void {
    let position = 0;
    for (;;) {
      const left = 2 * position + 1;
      if (left >= this.#runs.length) return;
      const right = left + 1;
      const below = right < this.#runs.length && this.#isBefore(right, left) ? right : left;
      if (!this.#swapIfBefore(below, position)) return;
      position = below;
    }
  }

  #isBefore(i: number, j: number): boolean {
    const a = this.#runs[i];
    const b = this.#runs[j];
    return a !== undefined && b !== undefined && this.#compare(a.next, b.next) < 0;
  }

  #swapIfBefore(i: number, j: number): boolean {
    const a = this.#runs[i];
    const b = this.#runs[j];
    if (a === undefined || b === undefined || this.#compare(a.next, b.next) >= 0) return false;
    this.#runs[i] = b;
    this.#runs[j] = a;
    return true;
  }
}

interface Run<T> {
  readonly items: readonly T[];
  next: T;
  /** Items handed to `next` so far, the current one included. */
  taken: number;
}
