// The kinds of response bodies, and long ones cut into pieces. Hot path.

import type { HttpResponse } from "@kv/rafthttp/http";
import { PIECE_SIZE_BYTES } from "./limits.ts";

/** A body that comes as it is made. */
export type StreamBody = AsyncIterable<Uint8Array | string>;

/** A body that is there. */
export type WholeBody = string | Uint8Array | Pieces;

/** A body in pieces. */
export type Pieces = readonly (Uint8Array | string)[];

/** Whether a body comes as it is made. */
export function isStream(body: HttpResponse["body"]): body is StreamBody {
  return typeof body === "object" && body !== null && !(body instanceof Uint8Array) && !Array.isArray(body);
}

/** All pieces together, in bytes. */
export function sizeOf(pieces: Pieces): number {
  let size = 0;
  for (const piece of pieces) size += typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
  return size;
}

/** The pieces of a long body. */
export function piecesOf(body: WholeBody): Iterable<string | Uint8Array> {
  if (typeof body === "string") return textPieces(body);
  return body instanceof Uint8Array ? bytePieces(body) : cutPieces(body);
}

/** A piece may be long, too. */
function* cutPieces(pieces: Pieces): Generator<string | Uint8Array> {
  for (const piece of pieces) yield* piecesOf(piece);
}

/** Cuts a long text; each piece can be encoded by itself. */
function* textPieces(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PIECE_SIZE_BYTES, text.length);
    const last = text.charCodeAt(end - 1);
    if (last >= 0xd800 && last <= 0xdbff && end < text.length) end--; // pairs stay together
    yield text.slice(start, end);
    start = end;
  }
}

/** Cuts long bytes; the pieces are views. */
function* bytePieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PIECE_SIZE_BYTES) {
    yield bytes.subarray(start, start + PIECE_SIZE_BYTES);
  }
}
