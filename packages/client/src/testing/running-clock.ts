// Time that runs as it does everywhere, and can be put forward: the hour until a key expires is over at once.

import { systemClock, type Clock } from "@kv/server";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly cancel: () => void;
}

/** The machine's clock plus what it was put forward by. */
export class RunningClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  unixMs(): number {
    return systemClock.unixMs() + this.#aheadMs;
  }

  unixNanos(): bigint {
    return systemClock.unixNanos() + BigInt(this.#aheadMs) * 1_000_000n;
  }

  after(delayMs: number, callback: () => void): () => void {
    const cancel = systemClock.after(delayMs, () => this.#fire(timer));
    const timer: Timer = { dueMs: this.now() + delayMs, callback, cancel };
    this.#timers.add(timer);
    return () => this.#drop(timer);
  }

  defer(callback: () => void): void {
    systemClock.defer(callback);
  }

  /** Puts the clock forward by whole milliseconds and fires, in order, what is due then or within `earlyMs`. */
  advance(ms: number, earlyMs: number): void {
    this.#aheadMs += ms;
    const untilMs = this.now() + earlyMs;
    const due = [...this.#timers].filter((timer) => timer.dueMs <= untilMs);
    for (const timer of due.toSorted((a, b) => a.dueMs - b.dueMs)) this.#fire(timer);
  }

  #fire(timer: Timer): void {
    // One that came before may have cancelled it.
    if (!this.#timers.has(timer)) return;
    this.#drop(timer);
    timer.callback();
  }

  #drop(timer: Timer): void {
    timer.cancel();
    this.#timers.delete(timer);
  }
}
