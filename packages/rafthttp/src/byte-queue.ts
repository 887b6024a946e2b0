// Bytes that have arrived but are not yet understood: chunks go in as the network cuts them, whole
// frames come out. Hot path.

const TWO_32 = 0x1_0000_0000;
const UINT64_BYTES = 8;

/**
 * A queue of bytes over the chunks of a stream.
 *
 * Nothing is allocated for bytes that have not come, whatever a length field promises. `take` and `copyInto` copy, so
 * that an entry kept for an hour does not pin the chunk it came in (architecture §6.5).
 */
export class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #headOffset = 0;
  #length = 0;

  /** Bytes that can be taken. */
  get length(): number {
    return this.#length;
  }

  /** Appends a chunk; it is kept, not copied, until its bytes have been taken. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Drops everything. */
  clear(): void {
    this.#chunks.length = 0;
    this.#headOffset = 0;
    this.#length = 0;
  }

  /** The next byte. `length` must be at least 1. */
  takeUint8(): number {
    const head = this.#chunks[0];
    const byte = head?.[this.#headOffset];
    if (head === undefined || byte === undefined) throw new RangeError("the queue is empty");
    this.#length--;
    this.#headOffset++;
    if (this.#headOffset === head.length) {
      this.#chunks.shift();
      this.#headOffset = 0;
    }
    return byte;
  }

  /** The next 8 bytes, big-endian. `length` must be at least 8. Above 2^53 the value is only roughly right, and no valid length or index. */
  takeUint64(): number {
    let high = 0;
    let low = 0;
    for (let i = 0; i < UINT64_BYTES / 2; i++) high = high * 256 + this.takeUint8();
    for (let i = 0; i < UINT64_BYTES / 2; i++) low = low * 256 + this.takeUint8();
    return high * TWO_32 + low;
  }

  /** The next `sizeBytes` bytes as an array of its own. `length` must be at least that. */
  take(sizeBytes: number): Uint8Array {
    if (sizeBytes > this.#length) throw tooMany();
    const bytes = new Uint8Array(sizeBytes);
    this.copyInto(bytes);
    return bytes;
  }

  /** Takes as many bytes as `bytes` has, into it. `length` must be at least that. */
  copyInto(bytes: Uint8Array): void {
    const sizeBytes = bytes.length;
    if (sizeBytes > this.#length) throw tooMany();
    let filled = 0;
    let usedChunks = 0;
    while (filled < sizeBytes) {
      const chunk = this.#chunks[usedChunks]!; // #length says that there are enough
      const end = Math.min(chunk.length, this.#headOffset + sizeBytes - filled);
      bytes.set(chunk.subarray(this.#headOffset, end), filled);
      filled += end - this.#headOffset;
      if (end === chunk.length) {
        usedChunks++;
        this.#headOffset = 0;
      } else {
        this.#headOffset = end;
      }
    }
    if (usedChunks > 0) this.#chunks.splice(0, usedChunks);
    this.#length -= sizeBytes;
  }
}

function tooMany(): RangeError {
  return new RangeError("more bytes are taken than have come");
}
