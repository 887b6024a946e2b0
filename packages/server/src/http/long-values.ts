// Answers to reads of long values, kept as bytes. Quoting, joining and encoding 64 KB costs more than all the
// rest of the request, and a file that was read is likely to be read again before it changes. Hot path.

import type { StoreEvent } from "@kv/store";
import { keyEventJson } from "./write-key-event.ts";

/** Shorter values are printed faster than they are found. */
const LONG_VALUE_UNITS = 16_384;

/** What is kept at most; who was used least recently goes first. */
const KEPT_MAX_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly modifiedIndex: number;
  readonly createdIndex: number;
  readonly body: Uint8Array;
}

/** The bodies of reads, each made once for a version of a file if its value is long. */
export class LongValues {
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;

  /** The body for a `get` event: text, or bytes that must not be changed. */
  body(event: StoreEvent): string | Uint8Array {
    const { key, value, expiration, modifiedIndex, createdIndex } = event.node;
    // A TTL is printed as the seconds that are left.
    if (value === null || value.length < LONG_VALUE_UNITS || expiration !== null) return keyEventJson(event);
    const known = this.#kept.get(key);
    if (known !== undefined) this.#forget(key, known);
    // On every member these two tell a version of a file from all others.
    if (known?.modifiedIndex === modifiedIndex && known.createdIndex === createdIndex) {
      this.#keep(key, known);
      return known.body;
    }
    const body = Buffer.from(keyEventJson(event));
    if (body.length <= KEPT_MAX_BYTES) this.#keep(key, { modifiedIndex, createdIndex, body });
    return body;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#keptBytes += kept.body.length;
    for (const [oldest, { body }] of this.#kept) {
      if (this.#keptBytes <= KEPT_MAX_BYTES) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= body.length;
    }
  }

  #forget(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#keptBytes -= kept.body.length;
  }
}
