// Time as the server sees it: monotonic for deadlines, wall-clock only where it enters an entry
// (TTLs, SYNC) or is printed (architecture §9).

import type { Clock as DriverClock } from "@kv/raft/node";
import type { Clock as TransportClock } from "@kv/rafthttp";

/** Monotonic and wall-clock time, and timers. Serves the driver and the transport too. */
export interface Clock extends DriverClock, TransportClock {
  /** Nanoseconds since 1970; no two calls within a millisecond give the same, so keys expire in the order in which they were written. */
  unixNanos(): bigint;
}

const NANOS_PER_MS = 1_000_000n;
let lastNanos = 0n;

/** The machine's clock. Timers do not keep the process alive: listeners do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  unixNanos: () => {
    const nanos = BigInt(Date.now()) * NANOS_PER_MS;
    lastNanos = lastNanos >= nanos && lastNanos - nanos < NANOS_PER_MS ? lastNanos + 1n : nanos;
    return lastNanos;
  },
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  defer: (callback) => {
    setImmediate(callback);
  },
};

/** Calls back every `intervalMs` until the returned function is called. */
export function every(clock: Clock, intervalMs: number, callback: () => void): () => void {
  let cancel = clock.after(intervalMs, tick);
  function tick(): void {
    cancel = clock.after(intervalMs, tick);
    callback();
  }
  return () => cancel();
}
