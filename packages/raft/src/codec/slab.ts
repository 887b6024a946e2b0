// Memory for bytes that are small, many and kept for long: those of log entries. An ArrayBuffer for each costs
// more than encoding it, when it is made and again when it is collected. So they stand one behind the other; a
// slab goes when the last of its pieces goes, and entries of one time leave the log together. Hot path.

const SLAB_BYTES = 64 * 1024;

/** Longer pieces have memory of their own, so that little of a slab is left over. */
const PIECE_MAX_BYTES = 4 * 1024;

/** Cuts pieces off memory that it takes in larger ones. What is cut is never cut again. */
export class Slab {
  #memory = new Uint8Array(0);
  #usedBytes = 0;

  /**
   * A piece of `length` zero bytes, to be filled and then only read. Pieces of up to 4 KiB share an ArrayBuffer: of
   * their `buffer` only what lies between `byteOffset` and `byteOffset + byteLength` is theirs.
   */
  cut(length: number): Uint8Array {
    if (length > PIECE_MAX_BYTES) return new Uint8Array(length);
    if (this.#usedBytes + length > this.#memory.length) {
      this.#memory = new Uint8Array(SLAB_BYTES);
      this.#usedBytes = 0;
    }
    const start = this.#usedBytes;
    this.#usedBytes += length;
    return this.#memory.subarray(start, this.#usedBytes);
  }
}
