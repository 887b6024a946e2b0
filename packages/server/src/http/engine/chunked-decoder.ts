// The chunked coding (RFC 9112 §7.1), strictly: hexadecimal sizes of at most eight digits, CR LF
// exactly where it is due, extensions (without quotes: two readers could take them differently) and
// trailers bounded and ignored. Hot path.
//
//   size ─CR LF→ data ─CR LF→ size … 0 ─CR LF→ (trailer ─CR LF→)* ─CR LF→ done

import { CHUNK_EXTENSIONS_MAX_BYTES, TRAILERS_MAX_BYTES } from "./limits.ts";
import { isToken } from "./token.ts";

/** What `decode` returns when the bytes are no chunks. */
export const MALFORMED = -1;

const SIZE_DIGITS_MAX = 8;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const DELETE = 0x7f;

const State = {
  Size: 0,
  ExtensionStart: 1,
  Extension: 2,
  SizeLf: 3,
  Data: 4,
  DataCr: 5,
  DataLf: 6,
  TrailerStart: 7,
  Trailer: 8,
  TrailerLf: 9,
  LastLf: 10,
  Done: 11,
} as const;
type State = (typeof State)[keyof typeof State];

/** One body in chunks. Bytes may come in any portions. */
export class ChunkedDecoder {
  #state: State = State.Size;
  /** Of the size line first, then what is left of the data. */
  #size = 0;
  #digitCount = 0;
  #extensionCount = 0;
  #trailerCount = 0;
  /** The trailer that is being read has a name. */
  #isTrailerNamed = false;

  /** All of the body has been decoded. */
  get isDone(): boolean {
    return this.#state === State.Done;
  }

  /**
   * Takes `bytes[start, …)` as far as they belong to the body and hands its data to `sink` as views.
   *
   * @returns the offset behind the last byte taken, or `MALFORMED`; after that it must not be called again.
   */
  decode(bytes: Buffer, start: number, sink: (piece: Buffer) => void): number {
    let at = start;
    while (at < bytes.length && this.#state !== State.Done) {
      if (this.#state === State.Data) {
        const end = Math.min(at + this.#size, bytes.length);
        sink(bytes.subarray(at, end));
        this.#size -= end - at;
        at = end;
        if (this.#size === 0) this.#state = State.DataCr;
      } else if (!this.#step(bytes[at++] ?? 0)) {
        return MALFORMED;
      }
    }
    return at;
  }

  /** One byte of framing; false: it is wrong. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case State.Size:
        return this.#stepSize(byte);
      case State.ExtensionStart:
        return isToken(byte) && this.#countExtension() && this.#go(State.Extension);
      case State.Extension:
        if (byte === CR) return this.#go(State.SizeLf);
        if (byte === SEMICOLON) return this.#go(State.ExtensionStart);
        return (byte === EQUALS || isToken(byte)) && this.#countExtension();
      case State.SizeLf:
        return byte === LF && this.#beginData();
      case State.DataCr:
        return byte === CR && this.#go(State.DataLf);
      case State.DataLf:
        return byte === LF && this.#go(State.Size);
      case State.TrailerStart:
        this.#isTrailerNamed = false;
        if (byte === CR) return this.#go(State.LastLf);
        return byte !== COLON && this.#stepTrailer(byte);
      case State.Trailer:
        if (byte === CR) return this.#isTrailerNamed && this.#go(State.TrailerLf);
        return this.#stepTrailer(byte);
      case State.TrailerLf:
        return byte === LF && this.#go(State.TrailerStart);
      case State.LastLf:
        return byte === LF && this.#go(State.Done);
      case State.Data:
      case State.Done:
        return false; // `decode` does not come here
      default:
        return this.#state satisfies never;
    }
  }

  #stepSize(byte: number): boolean {
    const digit = hexValue(byte);
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit;
      return ++this.#digitCount <= SIZE_DIGITS_MAX;
    }
    if (this.#digitCount === 0) return false;
    if (byte === CR) return this.#go(State.SizeLf);
    return byte === SEMICOLON && this.#go(State.ExtensionStart);
  }

  #countExtension(): boolean {
    return ++this.#extensionCount <= CHUNK_EXTENSIONS_MAX_BYTES;
  }

  #beginData(): boolean {
    this.#digitCount = 0;
    return this.#go(this.#size === 0 ? State.TrailerStart : State.Data);
  }

  #stepTrailer(byte: number): boolean {
    this.#state = State.Trailer;
    const isValid = this.#isTrailerNamed ? isText(byte) : byte === COLON || isToken(byte);
    if (byte === COLON) this.#isTrailerNamed = true;
    return isValid && ++this.#trailerCount <= TRAILERS_MAX_BYTES;
  }

  #go(state: State): true {
    this.#state = state;
    return true;
  }
}

function isText(byte: number): boolean {
  return byte >= BLANK ? byte !== DELETE : byte === TAB;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x61 + 10 : -1;
}
