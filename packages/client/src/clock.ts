// Time as the client needs it, so that tests need not wait.

/** One-shot timers. */
export interface Clock {
  /** Calls back once after `delayMs`, unless the returned function is called first. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits for `delayMs`.
 *
 * @throws signal.reason as soon as the signal is aborted
 */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  signal.addEventListener("abort", wake, { once: true });
  const cancel = clock.after(delayMs, wake);
  if (!signal.aborted) await promise;
  cancel();
  signal.removeEventListener("abort", wake);
  signal.throwIfAborted();
}
