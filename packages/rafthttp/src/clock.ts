// Time, injected, so that tests turn it by hand.

/** What the transport needs to know about time. */
export interface Clock {
  /** Milliseconds since some fixed moment, never going back; with fractions. */
  now(): number;
  /** Milliseconds since 1970. Only shown to others and compared with theirs. */
  unixMs(): number;
  /** Calls `callback` once, `delayMs` from now, unless the returned function is called before. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
