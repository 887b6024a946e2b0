// HttpResponse as bytes, framed as etcd's answers are: a short body with its length, a longer one in
// chunks, a stream as it comes (client-api.md §2). The pieces of a whole answer leave together. Hot path.

import { STATUS_CODES } from "node:http";
import type { HttpHeaders, HttpResponse } from "@kv/rafthttp/http";
import { assert } from "../../assert.ts";
import { httpDate } from "./http-date.ts";
import { LENGTH_MAX_BYTES, PIECE_SIZE_BYTES } from "./limits.ts";
import type { Output } from "./output.ts";
import { piecesOf, sizeOf, type Pieces, type WholeBody } from "./response-body.ts";

/** What the request and the connection say about how to answer. */
export interface AnswerForm {
  readonly isHead: boolean;
  readonly isHttp10: boolean;
  /** May become false when the end of the body can be told only by closing. */
  isKeepAlive: boolean;
}

/** How the end of a body is told. */
type Framing = "none" | "length" | "chunks" | "close";

const TAB = 0x09;
const BLANK = 0x20;
const DELETE = 0x7f;
const LATIN1_MAX = 0xff;
const LAST_CHUNK = "0\r\n\r\n";
/** Long enough that copying them costs more than handing over a second and a third piece; chosen, not measured. */
const UNCOPIED_MIN_BYTES = 8_192;

/**
 * The headers seen last, as text. Handlers keep the list of headers that many of their answers share, so
 * it is checked and put together once: that is a tenth of what a short answer costs.
 */
let lastHeaders: HttpHeaders = [];
let lastText: string | null = "";

/** Whether headers can be sent as they are. A line end in a value would begin a header, or a response, of the client's making. */
export function areSafe(headers: HttpHeaders): boolean {
  if (headers !== lastHeaders) {
    lastHeaders = headers;
    lastText = textOf(headers);
  }
  return lastText !== null;
}

/** Null: not printable. */
function textOf(headers: HttpHeaders): string | null {
  let text = "";
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header === undefined) continue;
    if (!isSafe(header[0]) || !isSafe(header[1])) return null;
    text += `${header[0]}: ${header[1]}\r\n`;
  }
  return text;
}

/**
 * Writes an answer whose body is there.
 *
 * @returns null when all of it is handed over; for a long body a promise that resolves when it is, or
 *   when the client is gone. It does not reject.
 */
export function writeWhole(
  output: Output,
  form: AnswerForm,
  response: HttpResponse,
  body: WholeBody | null,
): Promise<void> | null {
  if (body === null || isBodiless(response.status)) {
    const length = isBodiless(response.status) ? -1 : 0;
    output.writeLatin1(headText(form, response, "none", length));
    return null;
  }
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    const size = sizeOf(body);
    if (size > PIECE_SIZE_BYTES) return writeLong(output, form, response, body);
    writeTogether(output, form, response, body, size);
    return null;
  }
  if (body.length > PIECE_SIZE_BYTES) return writeLong(output, form, response, body);
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  const framing = framingOf(form, length);
  let head = headText(form, response, framing, length);
  if (form.isHead) {
    output.writeLatin1(head);
    return null;
  }
  if (framing === "chunks") head += `${length.toString(16)}\r\n`;
  const tail = framing === "chunks" ? `\r\n${LAST_CHUNK}` : "";
  // As many bytes as characters: plain ASCII, which goes out with the head without being encoded.
  if (typeof body === "string" && length === body.length) output.writeLatin1(head + body + tail);
  else if (typeof body === "string" || length < UNCOPIED_MIN_BYTES)
    output.writeBytes(joined(head, body, length, tail));
  else writeUncopied(output, head, body, tail);
  return null;
}

/** Pieces as one body, none of them copied but short text. */
function writeTogether(
  output: Output,
  form: AnswerForm,
  response: HttpResponse,
  pieces: Pieces,
  size: number,
): void {
  const framing = framingOf(form, size);
  let text = headText(form, response, framing, size);
  if (form.isHead) {
    output.writeLatin1(text);
    return;
  }
  output.joinTurn();
  if (framing === "chunks") text += `${size.toString(16)}\r\n`;
  for (const piece of pieces) {
    if (typeof piece === "string" && Buffer.byteLength(piece) === piece.length) {
      text += piece;
      continue;
    }
    if (text !== "") output.writeLatin1(text);
    text = "";
    output.writeBytes(typeof piece === "string" ? Buffer.from(piece) : piece);
  }
  if (framing === "chunks") text += `\r\n${LAST_CHUNK}`;
  if (text !== "") output.writeLatin1(text);
}

/** Writes the head of a body that comes as it is made. */
export function writeStreamHead(output: Output, form: AnswerForm, response: HttpResponse): void {
  output.joinTurn();
  output.writeLatin1(headText(form, response, framingOf(form, -1), -1));
}

/** Writes the pieces of a body as they come; ends early when the client is gone. Rejects when the source fails. */
export async function writeStream(
  output: Output,
  form: AnswerForm,
  iterator: AsyncIterator<Uint8Array | string>,
): Promise<void> {
  for (;;) {
    const { done, value } = await iterator.next();
    if (output.isGone) return;
    output.joinTurn();
    if (done === true) {
      if (!form.isHttp10) output.writeLatin1(LAST_CHUNK);
      return;
    }
    writePiece(output, form, value);
    if (output.isStuck) await output.drained();
  }
}

async function writeLong(
  output: Output,
  form: AnswerForm,
  response: HttpResponse,
  body: WholeBody,
): Promise<void> {
  output.joinTurn();
  output.writeLatin1(headText(form, response, framingOf(form, -1), -1));
  if (form.isHead) return;
  for (const piece of piecesOf(body)) {
    if (output.isGone) return;
    writePiece(output, form, piece);
    if (output.isStuck) await output.drained();
  }
  if (!form.isHttp10) output.writeLatin1(LAST_CHUNK);
}

/** An empty piece is nothing: as a chunk it would end the body. */
function writePiece(output: Output, form: AnswerForm, piece: string | Uint8Array): void {
  if (piece.length === 0) return;
  const length = typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
  const before = form.isHttp10 ? "" : `${length.toString(16)}\r\n`;
  const behind = form.isHttp10 ? "" : "\r\n";
  if (typeof piece === "string") {
    if (length === piece.length) output.writeLatin1(before + piece + behind);
    else output.writeBytes(joined(before, piece, length, behind));
    return;
  }
  output.joinTurn();
  if (before !== "") output.writeLatin1(before);
  output.writeBytes(piece);
  if (behind !== "") output.writeLatin1(behind);
}

/** `length` -1: unknown. Settles whether the connection can be kept. */
function framingOf(form: AnswerForm, length: number): Framing {
  if (length >= 0 && length <= LENGTH_MAX_BYTES) return "length";
  if (!form.isHttp10) return "chunks";
  if (!form.isHead) form.isKeepAlive = false;
  return "close";
}

function headText(form: AnswerForm, response: HttpResponse, framing: Framing, length: number): string {
  assert(areSafe(response.headers), "headers are checked before they are written");
  let head = `${statusLine(response.status)}${lastText}Date: ${httpDate()}\r\n`;
  if (framing === "chunks" && !form.isHead) head += "Transfer-Encoding: chunked\r\n";
  else if ((framing === "length" || framing === "none") && length >= 0)
    head += `Content-Length: ${length}\r\n`;
  if (!form.isKeepAlive) head += "Connection: close\r\n";
  else if (form.isHttp10) head += "Connection: keep-alive\r\n"; // 1.1 keeps connections anyway, and etcd does not say so
  return `${head}\r\n`;
}

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  const known = statusLines.get(status);
  if (known !== undefined) return known;
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n`;
  statusLines.set(status, line);
  return line;
}

/** Joined, so that they leave together. */
function writeUncopied(output: Output, head: string, body: Uint8Array, tail: string): void {
  output.joinTurn();
  output.writeLatin1(head);
  output.writeBytes(body);
  if (tail !== "") output.writeLatin1(tail);
}

function joined(head: string, body: string | Uint8Array, length: number, tail: string): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + length + tail.length);
  bytes.write(head, 0, "latin1");
  if (typeof body === "string") bytes.write(body, head.length, "utf8");
  else bytes.set(body, head.length);
  bytes.write(tail, head.length + length, "latin1");
  return bytes;
}

/** RFC 9110 §6.4.1. */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

function isSafe(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > LATIN1_MAX || code === DELETE || (code < BLANK && code !== TAB)) return false;
  }
  return true;
}
