// Who waits for which request. Registered before the proposal leaves, triggered by the applier,
// or cancelled once: on timeout, shutdown, or when the client gives up (architecture §5.1).
//
// All waits last equally long, so the order of registration is the order of deadlines and one
// sweep from the front replaces a timer per request.

/** One that waits. `V` is what was asked, kept so that the applier need not decode it again; `R` the answer. */
export interface Waiter<V, R> {
  readonly value: V;
  readonly startMs: number;
  resolve(result: R): void;
  reject(error: Error): void;
}

/** The waiting requests of one member by their id. */
export class Wait<V, R> {
  readonly #waiting = new Map<number, Waiter<V, R>>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Starts to wait for `id`.
   *
   * @throws {Error} when the id is waited for already: ids are unique by construction.
   */
  register(id: number, value: V, startMs: number): Promise<R> {
    if (this.#waiting.has(id)) throw new Error(`request id ${id.toString(16)} is already waited for`);
    return new Promise<R>((resolve, reject) => {
      this.#waiting.set(id, { value, startMs, resolve, reject });
    });
  }

  has(id: number): boolean {
    return this.#waiting.has(id);
  }

  /** Takes the one who waits for `id` out, or null: answered already, given up, or of another process. */
  take(id: number): Waiter<V, R> | null {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return null;
    this.#waiting.delete(id);
    return waiter;
  }

  /** Rejects everyone who has waited since `startMs` or longer. */
  expire(startMs: number, errorOf: (waiter: Waiter<V, R>) => Error): void {
    for (const [id, waiter] of this.#waiting) {
      if (waiter.startMs > startMs) return;
      this.#waiting.delete(id);
      waiter.reject(errorOf(waiter));
    }
  }

  /** Rejects everyone. */
  rejectAll(errorOf: (waiter: Waiter<V, R>) => Error): void {
    this.expire(Number.POSITIVE_INFINITY, errorOf);
  }
}
