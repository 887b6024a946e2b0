// Time as the driver sees it. The only file of this package that touches the timers of the platform.

/** Monotonic time and the two ways to be called later. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** Calls back once, not before `delayMs` have passed. Returns a function that cancels. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once when this turn of the event loop has handled the input that was ready. */
  defer(callback: () => void): void;
}

/** The clock of the platform. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  // Node runs it right behind the poll for input; browsers have only timers.
  defer: (callback) => {
    if (typeof setImmediate === "function") setImmediate(callback);
    else setTimeout(callback, 0);
  },
};
