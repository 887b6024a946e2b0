// Answers to reads of long values, kept as bytes: quoting, joining and encoding 64 KB costs more than all the
// rest of the request, and a file may be read again before it changes. Hot path.

import type { StoreEvent } from "@kv/store";
import { KeptBodies } from "./kept-bodies.ts";
import { keyEventJson } from "./write-key-event.ts";

/** So long that a found body is clearly cheaper than a printed one (docs/performance.md); few of them fill the room. */
const LONG_VALUE_UNITS = 16_384;

interface Kept {
  readonly modifiedIndex: number;
  readonly createdIndex: number;
  readonly body: Uint8Array;
  readonly sizeBytes: number;
}

/** The bodies of reads, each made once for a version of a file if its value is long. */
export class LongValues {
  readonly #kept = new KeptBodies<Kept>();

  /** The body for a `get` event: text, or bytes that must not be changed. */
  body(event: StoreEvent): string | Uint8Array {
    const { key, value, expiration, modifiedIndex, createdIndex } = event.node;
    // A TTL is printed as the seconds that are left.
    if (value === null || value.length < LONG_VALUE_UNITS || expiration !== null) return keyEventJson(event);
    const known = this.#kept.find(key);
    // For one key these two tell a version from all others, on every member alike.
    if (known?.modifiedIndex === modifiedIndex && known.createdIndex === createdIndex) return known.body;
    const body = bytesOf(keyEventJson(event));
    this.#kept.keep(key, { modifiedIndex, createdIndex, body, sizeBytes: body.length });
    return body;
  }
}

/** In memory of its own: what is kept must not hold a slab of the runtime's pool. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
