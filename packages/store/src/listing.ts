// A large directory and what is shown below it, as it was at one moment, handed out in slices while the store goes
// on. What would be one answer of a second for a million keys holds nobody up.

import { assert } from "./assert.ts";
import { childrenAt, type Children } from "./children.ts";
import { secondsUntil, type Now } from "./node-extern.ts";
import { isHiddenName, type StoreNode } from "./node.ts";
import { Picture, type NodeFields } from "./picture.ts";
import type { Tree } from "./tree.ts";

/** Work of one slice, in nodes: 2 to 3 ms with the printing (docs/performance.md). */
const SLICE_WEIGHT = 2_048;

/** A node with a value of this many characters weighs as much as two: about what printing them costs. */
const WEIGHT_CHARS = 256;

/** Directories that weigh no more than this are copied at once (`Store.read`): half a slice, and nothing to set up. */
const SMALL_WEIGHT = 1_024;

/** Receives the nodes of a listing: a directory before its children, siblings one after the other. */
export interface ListingSink {
  /** A file. `ttl`: seconds left, rounded up; 0 without a TTL. */
  file(name: string, fields: NodeFields, ttl: number): void;
  /** A directory; what is shown of its children follows, and then `leave`. The first one has the name "". */
  enter(name: string, fields: NodeFields, ttl: number): void;
  /** The end of the directory entered last. */
  leave(fields: NodeFields): void;
}

/** Where a listing starts and what it shows. */
export interface ListingOptions {
  /** Clean. */
  readonly path: string;
  readonly recursive: boolean;
  readonly sorted: boolean;
}

interface Frame {
  readonly directory: StoreNode;
  readonly children: Children;
}

/** Walk it once to its end, or close it: until then the store saves for it what it overwrites. */
export class Listing {
  /** Store index of the moment. */
  readonly index: number;
  readonly path: string;
  readonly #directory: StoreNode;
  readonly #options: ListingOptions;
  readonly #picture: Picture;
  readonly #now: Now;
  #weight = 0;
  #isWalked = false;

  /** @internal */
  constructor(tree: Tree, directory: StoreNode, index: number, options: ListingOptions, now: Now) {
    this.index = index;
    this.path = options.path;
    this.#directory = directory;
    this.#options = options;
    this.#picture = new Picture(tree, index);
    this.#now = now;
  }

  /**
   * Hands the nodes to `sink`, a slice of them in each step. Leaving a loop over it closes the listing; before the
   * first step only `close` does.
   */
  slices(sink: ListingSink): Generator<void, void, void> {
    assert(!this.#isWalked, "a listing is walked once");
    this.#isWalked = true;
    return this.#slices(sink);
  }

  *#slices(sink: ListingSink): Generator<void, void, void> {
    try {
      yield* this.#walk(sink);
    } finally {
      this.close();
    }
  }

  /** Ends the listing. May be called twice. */
  close(): void {
    this.#picture.close();
  }

  *#walk(sink: ListingSink): Generator<void, void, void> {
    const { recursive, sorted } = this.#options;
    const frames: Frame[] = [];
    let entered: StoreNode | null = this.#directory;
    let name = "";
    for (;;) {
      if (entered !== null) {
        const fields = this.#picture.fieldsOf(entered);
        sink.enter(name, fields, this.#ttlOf(fields));
        if (recursive || frames.length === 0) {
          frames.push({
            directory: entered,
            children: yield* childrenAt(this.#picture, entered, sorted),
          });
        } else sink.leave(fields);
        entered = null;
      }
      const frame = frames.at(-1);
      if (frame === undefined) return;
      const child = frame.children.next();
      this.#weight++;
      if (child === null) {
        sink.leave(this.#picture.fieldsOf(frame.directory));
        frames.pop();
      } else if (!isHiddenName(child.name)) {
        if (child.children === null) {
          const fields = this.#picture.fieldsOf(child);
          sink.file(child.name, fields, this.#ttlOf(fields));
          this.#weight += charWeight(fields); // of what was handed out, which may be longer than what is there now
        } else {
          entered = child;
          name = child.name;
        }
      }
      if (this.#weight < SLICE_WEIGHT) continue;
      this.#weight = 0;
      yield;
    }
  }

  #ttlOf({ expiration }: NodeFields): number {
    return expiration === null ? 0 : secondsUntil(expiration, this.#now());
  }
}

/** Whether what is shown of a node is too much to be copied at once. */
export function isLarge(node: StoreNode, recursive: boolean): boolean {
  return node.children !== null && weightLeft(node.children, recursive, SMALL_WEIGHT) < 0;
}

/** What is left of `weight` without the children; less than 0 as soon as they weigh more. */
function weightLeft(children: ReadonlyMap<string, StoreNode>, recursive: boolean, weight: number): number {
  let left = weight - children.size;
  if (left < 0) return left;
  for (const child of children.values()) {
    if (child.children === null) left -= charWeight(child);
    else if (recursive) left = weightLeft(child.children, recursive, left);
    if (left < 0) return left;
  }
  return left;
}

/** What a node weighs beside itself. */
function charWeight({ value }: NodeFields): number {
  return Math.floor(value.length / WEIGHT_CHARS);
}
