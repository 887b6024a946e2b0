// Ticks by accumulated time: a timer that is late does not lose time, and a process that stood still
// does not spend all of it at once (raft.md §16.3).

import type { Clock } from "./clock.ts";

export interface TickerOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  /** Ticks that may be due at once; what is missed beyond that never happened. */
  readonly maxDueCount: number;
  /** Called when ticks have become due. */
  readonly onDue: () => void;
}

/** Counts the ticks that are due. Runs from construction until `stop`. */
export class Ticker {
  readonly #options: TickerOptions;
  #tickedAt: number;
  #passedAt: number;
  #dueCount = 0;
  #cancel: () => void;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#tickedAt = options.clock.now();
    this.#passedAt = this.#tickedAt;
    this.#cancel = options.clock.after(options.tickMs, this.#onTimer);
  }

  /** How many ticks are due; they are no longer due afterwards. */
  takeDue(): number {
    const dueCount = this.#dueCount;
    this.#dueCount = 0;
    return dueCount;
  }

  /** How many ticks have passed by the clock since this was asked last: none is left out, and no timer waited for. */
  takePassed(): number {
    const { clock, tickMs } = this.#options;
    const passed = Math.floor((clock.now() - this.#passedAt) / tickMs);
    this.#passedAt += passed * tickMs;
    return passed;
  }

  stop(): void {
    this.#cancel();
  }

  readonly #onTimer = (): void => {
    const { clock, tickMs, maxDueCount, onDue } = this.#options;
    const now = clock.now();
    const passed = Math.floor((now - this.#tickedAt) / tickMs);
    this.#tickedAt += passed * tickMs;
    this.#dueCount = Math.min(this.#dueCount + passed, maxDueCount);
    this.#cancel = clock.after(this.#tickedAt + tickMs - now, this.#onTimer);
    if (passed > 0) onDue();
  };
}
