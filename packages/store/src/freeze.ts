// A picture of the store that is written out in slices while the store goes on (picture.ts).

import { assert } from "./assert.ts";
import { childrenAt, type Children } from "./children.ts";
import { eventToJson, statsToJson } from "./json.ts";
import type { HistoryState } from "./event-history.ts";
import type { StoreNode } from "./node.ts";
import { quoteJson } from "./quote-json.ts";
import { Picture } from "./picture.ts";
import type { StoreStats } from "./stats.ts";
import { formatTimestamp, ZERO_TIME } from "./timestamp.ts";
import type { Tree } from "./tree.ts";

/** Characters after which a slice ends; a chunk holds at most this and one node or event more. */
const SLICE_CHARS = 256 * 1024;

/** Nodes and events a slice handles at most. */
const SLICE_ITEMS = 4_096;

/** What is frozen beside the tree. */
export interface FrozenParts {
  readonly index: number;
  readonly version: number;
  readonly history: HistoryState;
  readonly stats: StoreStats;
}

/** A directory on the way from the root to the node being written. */
interface Frame {
  readonly children: Children;
  /** Escaped path of the directory with a trailing slash. */
  readonly prefix: string;
  isEmpty: boolean;
}

/**
 * The store at one index. Encode it once, or close it: until then the store saves for it what it overwrites.
 *
 * The result is etcd's snapshot JSON, the same bytes for the same state (members in byte order).
 */
export class FrozenStore {
  /** Store index of the picture. */
  readonly index: number;
  readonly #root: StoreNode;
  readonly #picture: Picture;
  readonly #parts: FrozenParts;
  readonly #encoder = new TextEncoder();
  #text = "";
  #items = 0;
  #isEncoding = false;

  /**
   * Begins to listen to the changes of `tree`.
   *
   * @internal
   */
  constructor(tree: Tree, parts: FrozenParts) {
    this.index = parts.index;
    this.#root = tree.root;
    this.#picture = new Picture(tree, parts.index);
    this.#parts = parts;
  }

  /**
   * Encodes the picture, calling `pause` between slices of a few milliseconds so that the store can go on:
   * typically `() => new Promise((resolve) => setImmediate(resolve))`.
   *
   * Chunks hold 256 KiB or more (up to three times that for text beyond ASCII, or one value if that is
   * longer), the last one the rest. Breaking out of the loop closes the picture.
   */
  async *encode(options: { readonly pause: () => Promise<void> }): AsyncGenerator<Uint8Array, void, void> {
    for (const chunk of this.slices()) {
      if (chunk !== null) yield chunk;
      await options.pause();
    }
  }

  /**
   * The same, one slice per step and without a promise: a chunk, or null when the slice's work (sorting a large
   * directory) has not filled one yet.
   */
  *slices(): Generator<Uint8Array | null, void, void> {
    assert(!this.#isEncoding, "a frozen store is encoded once");
    this.#isEncoding = true;
    try {
      yield* this.#encodeTree();
      yield* this.#encodeHistory();
      const { index, stats, version } = this.#parts;
      this.#text += `,"CurrentIndex":${index},"Stats":${statsToJson(stats)},"CurrentVersion":${version}}`;
      yield this.#encoder.encode(this.#text);
    } finally {
      this.close();
    }
  }

  /** Ends the picture without encoding it. May be called twice. */
  close(): void {
    this.#picture.close();
  }

  *#encodeTree(): Generator<Uint8Array | null, void, void> {
    const root = this.#root;
    this.#text = `{"Root":${this.#nodeHead(root, '"/"')}{`;
    const frames: Frame[] = [{ children: yield* this.#childrenOf(root), prefix: "/", isEmpty: true }];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const node = frame.children.next();
      if (node === null) {
        this.#text += "}}";
        frames.pop();
      } else {
        const name = quoteJson(node.name);
        const path = frame.prefix + name.slice(1, -1);
        this.#text += `${frame.isEmpty ? "" : ","}${name}:${this.#nodeHead(node, `"${path}"`)}`;
        frame.isEmpty = false;
        if (node.children === null) this.#text += "null}";
        else {
          this.#text += "{";
          frames.push({ children: yield* this.#childrenOf(node), prefix: `${path}/`, isEmpty: true });
        }
      }
      if (this.#isSliceFull()) yield this.#endSlice();
    }
  }

  *#encodeHistory(): Generator<Uint8Array | null, void, void> {
    const { events, size, front, back, startIndex, lastIndex } = this.#parts.history;
    this.#text += ',"WatcherHub":{"EventHistory":{"Queue":{"Events":[';
    for (let slot = 0; slot < events.length; slot++) {
      const event = events[slot] ?? null;
      this.#text += `${slot === 0 ? "" : ","}${event === null ? "null" : eventToJson(event)}`;
      if (this.#isSliceFull()) yield this.#endSlice();
    }
    this.#text += `],"Size":${size},"Front":${front},"Back":${back},"Capacity":${events.length}}`;
    this.#text += `,"StartIndex":${startIndex},"LastIndex":${lastIndex}}}`;
  }

  *#childrenOf(directory: StoreNode): Generator<Uint8Array | null, Children, void> {
    const gathering = childrenAt(this.#picture, directory, true);
    for (;;) {
      const { done, value } = gathering.next();
      if (done === true) return value;
      yield this.#endSlice();
    }
  }

  #nodeHead(node: StoreNode, path: string): string {
    const { createdIndex, modifiedIndex, expiration, value } = this.#picture.fieldsOf(node);
    const time = expiration === null ? ZERO_TIME : formatTimestamp(expiration);
    const indexes = `"CreatedIndex":${createdIndex},"ModifiedIndex":${modifiedIndex}`;
    return `{"Path":${path},${indexes},"ExpireTime":"${time}","Value":${quoteJson(value)},"Children":`;
  }

  #isSliceFull(): boolean {
    this.#items++;
    return this.#items >= SLICE_ITEMS || this.#text.length >= SLICE_CHARS;
  }

  /** The text so far as a chunk if there is enough of it, else null. */
  #endSlice(): Uint8Array | null {
    this.#items = 0;
    if (this.#text.length < SLICE_CHARS) return null;
    const chunk = this.#encoder.encode(this.#text);
    this.#text = "";
    return chunk;
  }
}
