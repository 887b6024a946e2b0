// Traffic between real members, recorded on the wire (conformance/fixtures/README.md): the bytes of
// single connections, taken out of HTTP.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { decodeWireMessage } from "./wire-message.ts";
import type { WireMessage } from "./wire-message.ts";

// KV_FIXTURES names another folder of recordings.
const FIXTURES = join(
  process.env["KV_FIXTURES"] ?? join(import.meta.dirname, "..", "..", "..", "..", "conformance", "fixtures"),
  "peer",
);
const LENGTH_BYTES = 8;

/** One connection between two members. */
export interface RecordedConnection {
  /** The headers of the first request. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the first request. */
  readonly posted: Uint8Array;
  /** The bodies of all answers, without chunks, one behind the other. */
  readonly answered: Uint8Array;
  /** Where the frames of a stream begin in `answered`. */
  readonly offsets: readonly number[];
}

/** Reads connection `number` of a recording. */
export async function readConnection(folder: string, number: string): Promise<RecordedConnection> {
  const path = join(FIXTURES, folder, `conn-${number}`);
  const { exchanges } = JSON.parse(await readFile(`${path}.json`, "utf8")) as {
    exchanges: readonly {
      readonly request: { readonly headers: Readonly<Record<string, string>> };
      readonly response?: { readonly frames?: readonly { readonly offset: number }[] };
    }[];
  };
  const [first] = exchanges;
  if (first === undefined) throw new Error(`${path} has no request`);
  return {
    headers: first.request.headers,
    posted: bodiesIn(await readFile(`${path}.c2s.bin`))[0] ?? new Uint8Array(),
    answered: Buffer.concat(bodiesIn(await readFile(`${path}.s2c.bin`))),
    offsets: first.response?.frames?.map(({ offset }) => offset) ?? [],
  };
}

/** The messages of a message stream. */
export function messagesOf({ answered, offsets }: RecordedConnection): readonly WireMessage[] {
  return offsets.map((offset, i) =>
    decodeWireMessage(answered.subarray(offset + LENGTH_BYTES, offsets[i + 1] ?? answered.length)),
  );
}

/** The bodies of the HTTP messages in `bytes`; the last one may be cut off. */
function bodiesIn(bytes: Buffer): readonly Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const headEnd = bytes.indexOf("\r\n\r\n", at) + 4;
    const head = bytes.toString("latin1", at, headEnd);
    if (/^transfer-encoding: chunked/im.test(head)) {
      const { body, end } = dechunked(bytes, headEnd);
      bodies.push(body);
      at = end;
    } else {
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      bodies.push(bytes.subarray(headEnd, headEnd + length));
      at = headEnd + length;
    }
  }
  return bodies;
}

function dechunked(bytes: Buffer, start: number): { readonly body: Uint8Array; readonly end: number } {
  const pieces: Uint8Array[] = [];
  for (let at = start; at < bytes.length;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
    if (length === 0) return { body: Buffer.concat(pieces), end: at };
  }
  return { body: Buffer.concat(pieces), end: bytes.length };
}
