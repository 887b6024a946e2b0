// Where the search for an order stands: which operations are placed, and the value of the register after
// them; and which states were seen. Known operations before `base` are all placed, so that a state is a
// short text however long the history is. Hot path.

const WORD_BITS = 32;

/** Placed operations, known ones first, then those without an answer. */
export class SearchState {
  value: number | null = null;
  /** How many known operations are placed. */
  placedCount = 0;
  /** The first known operation that is not placed. */
  base = 0;
  readonly #knownCount: number;
  readonly #words: Uint32Array;
  readonly #seen = new Set<string>();
  // No known operation from here on is placed.
  #end = 0;

  constructor(knownCount: number, count: number) {
    this.#knownCount = knownCount;
    this.#words = new Uint32Array(Math.ceil((count + 1) / WORD_BITS));
  }

  has(position: number): boolean {
    return (this.#words[position >>> 5]! & (1 << (position & 31))) !== 0;
  }

  /** Places an operation, unless what comes of it was seen before. */
  place(position: number, value: number | null): boolean {
    const before = { base: this.base, end: this.#end, value: this.value };
    this.#flip(position);
    this.value = value;
    if (position < this.#knownCount) {
      this.placedCount++;
      while (this.base < this.#knownCount && this.has(this.base)) this.base++;
      this.#end = Math.max(this.#end, position + 1);
    }
    const text = this.#text();
    if (!this.#seen.has(text)) {
      this.#seen.add(text);
      return true;
    }
    this.#flip(position);
    this.value = before.value;
    this.base = before.base;
    this.#end = before.end;
    if (position < this.#knownCount) this.placedCount--;
    return false;
  }

  /** Takes an operation back. */
  remove(position: number, valueBefore: number | null): void {
    this.#flip(position);
    this.value = valueBefore;
    if (position >= this.#knownCount) return;
    this.placedCount--;
    this.base = Math.min(this.base, position);
    while (this.#end > this.base && !this.has(this.#end - 1)) this.#end--;
  }

  #flip(position: number): void {
    this.#words[position >>> 5]! ^= 1 << (position & 31);
  }

  #text(): string {
    let text = `${this.base} ${this.value}`;
    for (let i = this.base >>> 5; i * WORD_BITS < this.#end; i++) text += ` ${this.#words[i]}`;
    text += "/";
    for (let i = this.#knownCount >>> 5; i < this.#words.length; i++) text += ` ${this.#words[i]}`;
    return text;
  }
}
