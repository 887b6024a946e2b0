// Bodies, and long parts of them, that may be asked for again: a room of some bytes, from which what was used least
// recently goes first. Hot path.

/** All that one room holds, with the keys. */
const ROOM_BYTES = 16 * 1024 * 1024;

/** What is kept, and by what its user knows that it is still the right one. */
interface Kept {
  readonly sizeBytes: number;
}

/** What is kept, by key. */
export class KeptBodies<T extends Kept> {
  readonly #kept = new Map<string, T>();
  #sizeBytes = 0;

  /** What the key has, which is then the last to go; null: nothing. */
  find(key: string): T | null {
    const kept = this.#kept.get(key);
    if (kept === undefined) return null;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  /** Keeps something instead of what the key had. What does not fit into the room is not kept. */
  keep(key: string, body: T): void {
    const old = this.#kept.get(key);
    if (old !== undefined) this.#forget(key, old);
    if (key.length + body.sizeBytes > ROOM_BYTES) return;
    this.#kept.set(key, body);
    this.#sizeBytes += key.length + body.sizeBytes;
    for (const [oldest, kept] of this.#kept) {
      if (this.#sizeBytes <= ROOM_BYTES) return;
      this.#forget(oldest, kept);
    }
  }

  #forget(key: string, kept: T): void {
    this.#kept.delete(key);
    this.#sizeBytes -= key.length + kept.sizeBytes;
  }
}
