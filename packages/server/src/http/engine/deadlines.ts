// The deadlines of all connections of a listener, with one timer for all of them: it runs only while
// something waits, and is as exact as a time limit in minutes has to be (performance.md §3).

import type { Clock } from "../../clock.ts";

/** From one look at the deadlines to the next. */
export const SWEEP_INTERVAL_MS = 250;

/** Something with at most one deadline. */
export interface Expiring {
  /** The deadline has passed; it is cleared already. */
  expire(): void;
}

/** Who has to be done by when. Nothing is registered for a request that comes in one piece. */
export class Deadlines {
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #deadlines = new Map<Expiring, number>();
  #cancelSweep: (() => void) | null = null;

  constructor(clock: Pick<Clock, "now" | "after">) {
    this.#clock = clock;
  }

  has(item: Expiring): boolean {
    return this.#deadlines.has(item);
  }

  /** Replaces the item's deadline, if it has one. */
  set(item: Expiring, delayMs: number): void {
    this.#deadlines.set(item, this.#clock.now() + delayMs);
    this.#cancelSweep ??= this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
  }

  clear(item: Expiring): void {
    this.#deadlines.delete(item);
  }

  /** Forgets everything. */
  close(): void {
    this.#deadlines.clear();
    this.#cancelSweep?.();
    this.#cancelSweep = null;
  }

  readonly #sweep = (): void => {
    const now = this.#clock.now();
    for (const [item, deadline] of this.#deadlines) {
      if (deadline > now) continue;
      this.#deadlines.delete(item);
      item.expire();
    }
    this.#cancelSweep = this.#deadlines.size === 0 ? null : this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
  };
}
