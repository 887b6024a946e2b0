// Bytes that have come and are not consumed: the beginning of a head, or requests sent ahead. Usually
// empty, or exactly what the last read brought, which is then not copied. Hot path.

const NO_BYTES = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/** `headEnd`: more is needed. */
export const INCOMPLETE = -1;
/** `headEnd`: a line feed stands alone, there will be no head. */
export const BARE_LINE_FEED = -2;

/** A queue of bytes. Handed-out views stay valid: what was appended is never overwritten. */
export class InputBuffer {
  #bytes: Buffer = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Up to here no end of a head was found. */
  #searched = 0;
  /** The buffer that was made by `#grow`; others belong to whoever read them. */
  #owned: Buffer = NO_BYTES;

  get size(): number {
    return this.#end - this.#start;
  }

  /** The buffer that `start` and `headEnd` are offsets into. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get start(): number {
    return this.#start;
  }

  /** Everything that is there. */
  view(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Keeps `chunk`, and copies only to join it to what is there already. */
  append(chunk: Buffer): void {
    if (this.#start === this.#end) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#searched = 0;
      return;
    }
    const size = this.size;
    const end = this.#end + chunk.length;
    if (!this.#hasRoomOfItsOwn(end)) this.#grow(size + chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  consume(count: number): void {
    this.#start += count;
    this.#searched = this.#start;
    if (this.#start === this.#end) this.clear();
  }

  clear(): void {
    this.#bytes = NO_BYTES;
    this.#start = 0;
    this.#end = 0;
    this.#searched = 0;
    this.#owned = NO_BYTES;
  }

  /** Skips one empty line in front of a request: some clients send one too many behind a body (RFC 9112 §2.2). */
  skipEmptyLine(): void {
    if (this.size >= 2 && this.#bytes[this.#start] === CR && this.#bytes[this.#start + 1] === LF)
      this.consume(2);
  }

  /**
   * Where the empty line behind a head starts, as an offset into `bytes`; its last line's CR LF lies
   * before that. Bytes are looked at once, however they come.
   */
  headEnd(): number {
    const from = Math.max(this.#start, this.#searched - HEAD_END.length + 1);
    const at = this.#bytes.indexOf(HEAD_END, from);
    if (at >= 0 && at + HEAD_END.length <= this.#end) return at + CRLF.length;
    const isBroken = this.#hasBareLineFeed();
    this.#searched = this.#end;
    return isBroken ? BARE_LINE_FEED : INCOMPLETE;
  }

  #hasRoomOfItsOwn(end: number): boolean {
    return this.#owned === this.#bytes && end <= this.#bytes.length;
  }

  /** Doubles, so that a head that comes byte by byte is not copied for every byte. */
  #grow(size: number): void {
    const grown = Buffer.alloc(size * 2);
    this.#bytes.copy(grown, 0, this.#start, this.#end);
    this.#searched -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = grown;
    this.#owned = grown;
  }

  #hasBareLineFeed(): boolean {
    for (
      let at = this.#bytes.indexOf(LF, this.#searched);
      at >= 0 && at < this.#end;
      at = this.#bytes.indexOf(LF, at + 1)
    ) {
      if (at === this.#start || this.#bytes[at - 1] !== CR) return true;
    }
    return false;
  }
}
