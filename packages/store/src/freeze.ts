// A picture of the store that is written out in slices while the store goes on. Copy on write: whoever is
// about to change a node first leaves its old fields here, whoever removes one leaves the node itself, and
// the walk prefers what was left. Outside of snapshots a write pays one look at an empty set.
//
//   node at the walk:   in images            → the fields saved there
//                       made after the freeze → skipped (its createdIndex is above ours)
//                       otherwise            → as it stands
//   directory:          its children now + those removed since (ghosts)

import { assert } from "./assert.ts";
import { eventToJson, statsToJson } from "./json.ts";
import type { HistoryState } from "./event-history.ts";
import type { StoreNode } from "./node.ts";
import { quoteJson } from "./quote-json.ts";
import { SortedRuns } from "./sorted-runs.ts";
import type { StoreStats } from "./stats.ts";
import { compareText } from "./text.ts";
import { formatTimestamp, ZERO_TIME, type UnixNanos } from "./timestamp.ts";
import type { Tree } from "./tree.ts";

/** Characters after which a slice ends; a chunk holds at most this and one node or event more. */
const SLICE_CHARS = 256 * 1024;

/** Nodes and events a slice handles at most, the ones it only sorts included. */
const SLICE_ITEMS = 4_096;

/** What is frozen beside the tree. */
export interface FrozenParts {
  readonly index: number;
  readonly version: number;
  readonly history: HistoryState;
  readonly stats: StoreStats;
}

/** The fields of a node at the freeze. */
interface Image {
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  readonly expiration: UnixNanos | null;
  readonly value: string;
}

/** A directory on the way from the root to the node being written. */
interface Frame {
  readonly children: SortedRuns<StoreNode>;
  /** Escaped path of the directory with a trailing slash. */
  readonly prefix: string;
  last: StoreNode | null;
}

/**
 * The store at one index. Encode it once, or close it: until then the store saves for it what it overwrites.
 *
 * The result is etcd's snapshot JSON, the same bytes for the same state (members in byte order).
 */
export class FrozenStore {
  /** Store index of the picture. */
  readonly index: number;
  readonly #tree: Tree;
  readonly #parts: FrozenParts;
  readonly #images = new Map<StoreNode, Image>();
  readonly #ghosts = new Map<StoreNode, StoreNode[]>();
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
    this.#tree = tree;
    this.#parts = parts;
    tree.listeners.add(this);
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
    this.#tree.listeners.delete(this);
    this.#images.clear();
    this.#ghosts.clear();
  }

  /**
   * Keeps what the store is about to overwrite.
   *
   * @internal
   */
  beforeChange(node: StoreNode): void {
    if (node.createdIndex > this.index || this.#images.has(node)) return;
    const { createdIndex, modifiedIndex, expiration, value } = node;
    this.#images.set(node, { createdIndex, modifiedIndex, expiration, value });
  }

  /**
   * Keeps what the store is about to remove.
   *
   * @internal
   */
  beforeRemove(node: StoreNode): void {
    const parent = node.parent;
    if (parent === null || !this.#existed(node)) return;
    const ghosts = this.#ghosts.get(parent);
    if (ghosts === undefined) this.#ghosts.set(parent, [node]);
    else ghosts.push(node);
  }

  *#encodeTree(): Generator<Uint8Array | null, void, void> {
    const root = this.#tree.root;
    this.#text = `{"Root":${this.#nodeHead(root, '"/"')}{`;
    const frames: Frame[] = [{ children: yield* this.#sortedChildren(root), prefix: "/", last: null }];
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const node = this.#nextChild(frame);
      if (node === null) {
        this.#text += "}}";
        frames.pop();
      } else {
        const name = quoteJson(node.name);
        const path = frame.prefix + name.slice(1, -1);
        this.#text += `${frame.last === null ? "" : ","}${name}:${this.#nodeHead(node, `"${path}"`)}`;
        frame.last = node;
        if (node.children === null) this.#text += "null}";
        else {
          this.#text += "{";
          frames.push({ children: yield* this.#sortedChildren(node), prefix: `${path}/`, last: null });
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

  /** The children a directory had at the freeze, in byte order; possibly some twice. */
  *#sortedChildren(directory: StoreNode): Generator<Uint8Array | null, SortedRuns<StoreNode>, void> {
    const runs = new SortedRuns<StoreNode>(byName);
    let run: StoreNode[] = [];
    for (const child of directory.children?.values() ?? []) {
      if (!this.#existed(child)) continue;
      run.push(child);
      if (run.length < SLICE_ITEMS) continue;
      runs.add(run);
      run = [];
      // The iterator goes on where it was: what is removed meanwhile becomes a ghost, what is added is skipped.
      yield this.#endSlice();
    }
    runs.add(run);
    for (const ghost of this.#ghosts.get(directory) ?? []) runs.add([ghost]);
    return runs;
  }

  /** A child that was removed while its directory was being gathered comes twice in a row: once is enough. */
  #nextChild(frame: Frame): StoreNode | null {
    let node = frame.children.next();
    while (node !== null && node === frame.last) node = frame.children.next();
    return node;
  }

  #nodeHead(node: StoreNode, path: string): string {
    const { createdIndex, modifiedIndex, expiration, value } = this.#images.get(node) ?? node;
    const time = expiration === null ? ZERO_TIME : formatTimestamp(expiration);
    const indexes = `"CreatedIndex":${createdIndex},"ModifiedIndex":${modifiedIndex}`;
    return `{"Path":${path},${indexes},"ExpireTime":"${time}","Value":${quoteJson(value)},"Children":`;
  }

  #existed(node: StoreNode): boolean {
    return node.createdIndex <= this.index || this.#images.has(node);
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

function byName(a: StoreNode, b: StoreNode): number {
  return compareText(a.name, b.name);
}
