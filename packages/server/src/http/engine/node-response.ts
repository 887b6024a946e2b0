// HttpResponse on top of node:http, framed as etcd's answers are: a short body with its length, a
// longer one in chunks, a stream as it comes (client-api.md §2). Hot path.

import type { ServerResponse } from "node:http";
import type { HttpResponse } from "@kv/rafthttp/http";
import { httpDate } from "./http-date.ts";
import { LENGTH_MAX_BYTES, PIECE_SIZE_BYTES } from "./limits.ts";
import { piecesOf, sizeOf, type WholeBody } from "./response-body.ts";

/**
 * Writes an answer whose body is there. null: all of it is handed over. Else the promise resolves
 * when it is, or when the client is gone.
 */
export function writeWhole(
  outgoing: ServerResponse,
  response: HttpResponse,
  body: WholeBody | null,
): Promise<void> | null {
  if (body === null) {
    writeHead(outgoing, response, response.status === 204 ? -1 : 0);
    outgoing.end();
    return null;
  }
  if (typeof body === "string") return writeText(outgoing, response, body);
  if (body instanceof Uint8Array) return writeBytes(outgoing, response, body);
  const size = sizeOf(body);
  writeHead(outgoing, response, size <= LENGTH_MAX_BYTES ? size : -1);
  return writePieces(outgoing, body);
}

/**
 * Writes the head at once and the body as it comes. Resolves at the end of the body or when the client
 * is gone; rejects when the body's source fails, and then the connection must be cut.
 */
export async function writeStream(
  outgoing: ServerResponse,
  response: HttpResponse,
  iterator: AsyncIterator<Uint8Array | string>,
): Promise<void> {
  writeHead(outgoing, response, -1);
  if (outgoing.req.method === "HEAD") {
    outgoing.end();
    return;
  }
  outgoing.flushHeaders();
  while (!outgoing.destroyed) {
    const { done, value } = await iterator.next();
    if (done === true) {
      outgoing.end();
      return;
    }
    if (!outgoing.write(value)) await drainOrClose(outgoing);
  }
}

function writeText(outgoing: ServerResponse, response: HttpResponse, text: string): Promise<void> | null {
  // Text is at least as many bytes as characters; only short text is measured.
  const length = text.length > LENGTH_MAX_BYTES ? -1 : Buffer.byteLength(text);
  const hasLength = length >= 0 && length <= LENGTH_MAX_BYTES;
  writeHead(outgoing, response, hasLength ? length : -1);
  if (text.length > PIECE_SIZE_BYTES) return writePieces(outgoing, piecesOf(text));
  // Plain ASCII goes out together with the head, without being encoded.
  outgoing.end(text, length === text.length ? "latin1" : "utf8");
  return null;
}

function writeBytes(
  outgoing: ServerResponse,
  response: HttpResponse,
  bytes: Uint8Array,
): Promise<void> | null {
  writeHead(outgoing, response, bytes.length <= LENGTH_MAX_BYTES ? bytes.length : -1);
  if (bytes.length > PIECE_SIZE_BYTES) return writePieces(outgoing, piecesOf(bytes));
  outgoing.end(bytes);
  return null;
}

/** `length` -1: none is announced. */
function writeHead(outgoing: ServerResponse, response: HttpResponse, length: number): void {
  const raw: string[] = [];
  for (let i = 0; i < response.headers.length; i++) {
    const header = response.headers[i];
    if (header !== undefined) raw.push(header[0], header[1]);
  }
  raw.push("Date", httpDate());
  if (length >= 0) raw.push("Content-Length", String(length));
  outgoing.sendDate = false;
  // 1.1 keeps connections anyway, and etcd does not say so.
  if (outgoing.shouldKeepAlive && outgoing.req.httpVersionMinor === 1) outgoing.removeHeader("connection");
  outgoing.writeHead(response.status, raw);
}

async function writePieces(outgoing: ServerResponse, pieces: Iterable<string | Uint8Array>): Promise<void> {
  if (outgoing.req.method !== "HEAD") {
    for (const piece of pieces) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(piece)) await drainOrClose(outgoing);
    }
  }
  outgoing.end();
}

function drainOrClose(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off("drain", settle).off("close", settle);
      resolve();
    };
    outgoing.on("drain", settle).on("close", settle);
  });
}
