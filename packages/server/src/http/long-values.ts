// Long values in answers, quoted once for each version of a file and kept as bytes: quoting, joining and encoding
// 64 KB costs more than all the rest of a request. A file may be read again before it changes, and what a write
// puts in place of a value shows that value once more. Hot path.

import { quoteJson, type NodeExtern, type StoreEvent } from "@kv/store";
import { KeptBodies } from "./kept-bodies.ts";
import { keyEventJson, keyEventPieces } from "./write-key-event.ts";

/** So long that found bytes are clearly cheaper than printed ones (docs/performance.md); few of them fill the room. */
const LONG_VALUE_UNITS = 16_384;

/** The version of a file's value that was shown last. */
interface Kept {
  readonly modifiedIndex: number;
  readonly createdIndex: number;
  readonly quoted: Uint8Array;
  readonly sizeBytes: number;
}

/** The bodies of answers. */
export class LongValues {
  readonly #kept = new KeptBodies<Kept>();

  /** The body for an event: text or, with a long value, pieces that must not be changed. */
  body(event: StoreEvent): string | readonly (string | Uint8Array)[] {
    const { node, prevNode } = event;
    if (!isLong(node) && (prevNode === null || !isLong(prevNode))) return keyEventJson(event);
    // The value before comes first: the other one takes its place.
    const prevQuoted = prevNode === null ? null : this.#find(prevNode);
    return keyEventPieces(event, this.#findOrKeep(node), prevQuoted);
  }

  #find(node: NodeExtern): Uint8Array | null {
    if (!isLong(node)) return null;
    const known = this.#kept.find(node.key);
    // For one key these two tell a version from all others, on every member alike.
    const isSame = known?.modifiedIndex === node.modifiedIndex && known.createdIndex === node.createdIndex;
    return isSame ? known.quoted : quotedBytes(node.value);
  }

  #findOrKeep(node: NodeExtern): Uint8Array | null {
    const quoted = this.#find(node);
    if (quoted === null) return null;
    const { modifiedIndex, createdIndex } = node;
    this.#kept.keep(node.key, { modifiedIndex, createdIndex, quoted, sizeBytes: quoted.length });
    return quoted;
  }
}

function isLong(node: NodeExtern): node is NodeExtern & { readonly value: string } {
  return node.value !== null && node.value.length >= LONG_VALUE_UNITS;
}

/** In memory of their own: what is kept must not hold a slab of the runtime's pool. */
function quotedBytes(value: string): Buffer {
  const text = quoteJson(value);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
