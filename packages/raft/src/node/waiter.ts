// A promise that someone waits for with a limit: a timeout, a signal, or both.

import type { Clock } from "./clock.ts";

/** How long to wait. Without `timeoutMs` it is 5 seconds. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;

/** Settles once: by its owner, by the clock or by the signal. Later attempts do nothing. */
export class Waiter<T> {
  readonly promise: Promise<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | null;
  readonly #cancelTimer: () => void;
  #isSettled = false;

  /** @param timeoutError makes what the promise is rejected with when time is up. */
  constructor(clock: Clock, options: WaitOptions, timeoutError: () => Error) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = options.signal ?? null;
    this.#cancelTimer = clock.after(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, () =>
      this.reject(timeoutError()),
    );
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted === true) this.#onAbort();
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  readonly #onAbort = (): void => this.reject(this.#signal?.reason);

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#cancelTimer();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
