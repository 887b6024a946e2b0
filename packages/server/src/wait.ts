// Who waits for which request. Registered before the proposal leaves, triggered by the applier,
// or cancelled once: on timeout, shutdown, or when the client gives up (architecture §5.1).
//
// All waits last equally long, and who joins another waits until that one's deadline. So the order of registration
// is the order of deadlines, and one sweep from the front replaces a timer per request.

/** One that waits. `V` is what was asked, kept so that the applier need not decode it again; `R` the answer. */
export interface Waiter<V, R> {
  readonly value: V;
  readonly startMs: number;
  resolve(result: R): void;
  reject(error: Error): void;
}

/** The first that waits for an id, and those who have joined it; null: none. */
export interface Waiters<V, R> extends Waiter<V, R> {
  readonly joined: readonly Waiter<V, R>[] | null;
}

interface Place<V, R> extends Waiter<V, R> {
  joined: Waiter<V, R>[] | null;
}

/** The waiting requests of one member by their id. */
export class Wait<V, R> {
  readonly #places = new Map<number, Place<V, R>>();
  #size = 0;

  /** How many wait, those who have joined others included. */
  get size(): number {
    return this.#size;
  }

  /**
   * Starts to wait for `id`.
   *
   * @throws {Error} when the id is waited for already: ids are unique by construction.
   */
  register(id: number, value: V, startMs: number): Promise<R> {
    if (this.#places.has(id)) throw new Error(`request id ${id.toString(16)} is already waited for`);
    this.#size++;
    return new Promise<R>((resolve, reject) => {
      this.#places.set(id, { value, startMs, resolve, reject, joined: null });
    });
  }

  /**
   * Waits for `id` as well, to ask something of one's own at the same place in the log. Nobody waits longer
   * than the first.
   *
   * @throws {Error} when nobody waits for it.
   */
  join(id: number, value: V, startMs: number): Promise<R> {
    const place = this.#places.get(id);
    if (place === undefined) throw new Error(`nobody waits for request id ${id.toString(16)}`);
    this.#size++;
    return new Promise<R>((resolve, reject) => {
      (place.joined ??= []).push({ value, startMs, resolve, reject });
    });
  }

  has(id: number): boolean {
    return this.#places.has(id);
  }

  /** Takes those who wait for `id` out, or null: answered already, given up, or of another process. */
  take(id: number): Waiters<V, R> | null {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    this.#places.delete(id);
    this.#size -= place.joined === null ? 1 : 1 + place.joined.length;
    return place;
  }

  /** Rejects those who wait for `id`. */
  reject(id: number, errorOf: (waiter: Waiter<V, R>) => Error): void {
    const place = this.take(id);
    if (place === null) return;
    place.reject(errorOf(place));
    for (const waiter of place.joined ?? []) waiter.reject(errorOf(waiter));
  }

  /** Rejects everyone who has waited since `startMs` or longer, and those who have joined them. */
  expire(startMs: number, errorOf: (waiter: Waiter<V, R>) => Error): void {
    for (const [id, place] of this.#places) {
      if (place.startMs > startMs) return;
      this.reject(id, errorOf);
    }
  }

  /** Rejects everyone. */
  rejectAll(errorOf: (waiter: Waiter<V, R>) => Error): void {
    this.expire(Number.POSITIVE_INFINITY, errorOf);
  }
}
