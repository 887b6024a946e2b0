// A JSON reader over bytes. Snapshots can be larger than the longest string, so they are never one;
// numbers are read exactly, or refused.

import { StoreDataError } from "./errors.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OBJECT_OPEN = 0x7b;
const OBJECT_CLOSE = 0x7d;
const ARRAY_OPEN = 0x5b;
const ARRAY_CLOSE = 0x5d;

/** Values nested more deeply are refused; paths are far shallower (`MAX_PATH_DEPTH`), two levels each. */
const MAX_NESTING = 2_100;

/** Strings up to this length are decoded by hand; longer ones by the platform. */
const SHORT_STRING_LENGTH = 24;

/** Reads one JSON text from front to back. Every method throws {@link StoreDataError} on anything unexpected. */
export class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #offset = 0;
  #nesting = 0;
  /** Where the string scanned last begins, behind its quote. */
  #stringStart = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Calls `readMember` for each member of an object; it must read the value, or `skip` it. */
  object(readMember: (name: string) => void): void {
    this.#open(OBJECT_OPEN, "an object");
    if (!this.#accept(OBJECT_CLOSE)) {
      do {
        const name = this.string();
        this.#expect(0x3a, "a colon");
        readMember(name);
      } while (this.#accept(0x2c));
      this.#expect(OBJECT_CLOSE, "the end of an object");
    }
    this.#nesting--;
  }

  /** Calls `readItem` for each item of an array; it must read the item, or `skip` it. */
  array(readItem: () => void): void {
    this.#open(ARRAY_OPEN, "an array");
    if (!this.#accept(ARRAY_CLOSE)) {
      do readItem();
      while (this.#accept(0x2c));
      this.#expect(ARRAY_CLOSE, "the end of an array");
    }
    this.#nesting--;
  }

  /** Reads a `null` if there is one, and says whether there was. */
  acceptNull(): boolean {
    if (this.#peek() !== 0x6e) return false;
    this.#word("null");
    return true;
  }

  boolean(): boolean {
    const isTrue = this.#peek() === 0x74;
    this.#word(isTrue ? "true" : "false");
    return isTrue;
  }

  /** A whole number a JavaScript number holds exactly. */
  integer(): number {
    const sign = this.#accept(0x2d) ? -1 : 1;
    let value = 0;
    let digits = 0;
    for (let byte = this.#byte(); byte >= 0x30 && byte <= 0x39; byte = this.#byte()) {
      value = value * 10 + (byte - 0x30);
      digits++;
      this.#offset++;
    }
    if (digits === 0 || !Number.isSafeInteger(value))
      throw this.error("E_SHAPE", "expected a whole number below 2^53");
    return value === 0 ? 0 : sign * value;
  }

  /** A string; lone surrogates and bytes that are not UTF-8 become U+FFFD. */
  string(): string {
    const isPlain = this.#scanString();
    const start = this.#stringStart;
    const end = this.#offset - 1;
    if (isPlain && end - start <= SHORT_STRING_LENGTH) return shortAscii(this.#bytes, start, end);
    const text = this.#decoder.decode(this.#bytes.subarray(start, end));
    return isPlain || !text.includes("\\") ? text : this.#unescape(text);
  }

  /** Reads over any value. */
  skip(): void {
    switch (this.#peek()) {
      case OBJECT_OPEN:
        return this.object(() => this.skip());
      case ARRAY_OPEN:
        return this.array(() => this.skip());
      case QUOTE:
        this.#scanString();
        return;
      case 0x6e:
        return this.#word("null");
      case 0x74:
        return this.#word("true");
      case 0x66:
        return this.#word("false");
    }
    this.#skipNumber();
  }

  /** Checks that nothing but white space is left. */
  end(): void {
    this.#skipSpace();
    if (this.#offset < this.#bytes.length) throw this.error("E_SYNTAX", "text after the end");
  }

  /** An error at the current position. */
  error(code: StoreDataError["code"], message: string): StoreDataError {
    return new StoreDataError(code, message, this.#offset);
  }

  /** Moves behind a string; says whether it is ASCII without escapes. */
  #scanString(): boolean {
    this.#expect(QUOTE, "a string");
    this.#stringStart = this.#offset;
    const bytes = this.#bytes;
    let isPlain = true;
    for (let end = this.#offset; end < bytes.length; end++) {
      const byte = bytes[end] ?? 0;
      if (byte === QUOTE) {
        this.#offset = end + 1;
        return isPlain;
      }
      if (byte < 0x20) throw this.error("E_SYNTAX", "control character in a string");
      if (byte === BACKSLASH) end++;
      if (byte === BACKSLASH || byte >= 0x80) isPlain = false;
    }
    throw this.error("E_SYNTAX", "string without an end");
  }

  #open(byte: number, what: string): void {
    this.#expect(byte, what);
    if (++this.#nesting > MAX_NESTING) throw this.error("E_DEPTH", `more than ${MAX_NESTING} levels`);
  }

  #expect(byte: number, what: string): void {
    if (!this.#accept(byte)) throw this.error("E_SYNTAX", `expected ${what}`);
  }

  #accept(byte: number): boolean {
    if (this.#peek() !== byte) return false;
    this.#offset++;
    return true;
  }

  /** The next byte that is not white space; 0 at the end. */
  #peek(): number {
    this.#skipSpace();
    return this.#bytes[this.#offset] ?? 0;
  }

  #byte(): number {
    return this.#bytes[this.#offset] ?? 0;
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#bytes[this.#offset];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#offset++;
    }
  }

  #word(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.#offset + i] !== word.charCodeAt(i))
        throw this.error("E_SYNTAX", `expected ${word}`);
    }
    this.#offset += word.length;
  }

  #skipNumber(): void {
    const start = this.#offset;
    while (isNumberByte(this.#bytes[this.#offset] ?? 0)) this.#offset++;
    if (this.#offset === start) throw this.error("E_SYNTAX", "expected a value");
  }

  /** The platform's parser knows the escapes; it gets one string at a time. */
  #unescape(text: string): string {
    try {
      const value: unknown = JSON.parse(`"${text}"`);
      return String(value).toWellFormed();
    } catch {
      // Its message quotes the text; ours must not, since values do not belong in logs.
      throw this.error("E_SYNTAX", "bad escape in a string");
    }
  }
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    (byte | 0x20) === 0x65
  );
}
