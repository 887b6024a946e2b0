// A bounded queue that is always emptied as a whole. Hot path.

/** Items in order of arrival, at most `limit` of them. */
export class Queue<T> {
  readonly limit: number;
  #items: T[] = [];
  #spare: T[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.#items.length;
  }

  /** False if the queue is full; then nothing has changed. */
  push(item: T): boolean {
    if (this.#items.length >= this.limit) return false;
    this.#items.push(item);
    return true;
  }

  /** Hands each item to `consume`. Items that arrive meanwhile stay for the next time. */
  drain(consume: (item: T) => void): void {
    const items = this.#items;
    if (items.length === 0) return;
    this.#items = this.#spare;
    this.#spare = items;
    for (let i = 0; i < items.length; i++) consume(items[i]!);
    items.length = 0;
  }

  clear(): void {
    this.#items.length = 0;
  }
}
