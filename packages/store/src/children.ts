// The children that a directory had at the moment of a picture, gathered in steps of a few milliseconds however many
// they are.

import type { StoreNode } from "./node.ts";
import type { Picture } from "./picture.ts";
import { SortedRuns } from "./sorted-runs.ts";
import { compareText } from "./text.ts";

/** Children gathered, and sorted, in one step: 1 to 2 ms. */
const RUN_LENGTH = 4_096;

/** Children to be taken one by one, each once. */
export interface Children {
  /** null: there are no more. */
  next(): StoreNode | null;
}

/** Gathers the children, in byte order if `sorted`; each step is one run of them, and the result is as they were. */
export function* childrenAt(
  picture: Picture,
  directory: StoreNode,
  sorted: boolean,
): Generator<void, Children, void> {
  const gathered = sorted ? new SortedChildren() : new UnsortedChildren();
  let run: StoreNode[] = [];
  for (const child of directory.children?.values() ?? []) {
    if (!picture.existed(child)) continue;
    run.push(child);
    if (run.length < RUN_LENGTH) continue;
    gathered.add(run);
    run = [];
    // The iterator goes on where it was: what is removed meanwhile becomes a ghost, what is added is skipped.
    yield;
  }
  gathered.add(run);
  // What is removed from here on has been gathered.
  const ghosts = picture.ghostsOf(directory);
  const end = ghosts.length;
  for (let at = 0; at < end; at += RUN_LENGTH) {
    if (at > 0) yield;
    gathered.addGhosts(ghosts.slice(at, Math.min(at + RUN_LENGTH, end)));
  }
  return gathered;
}

/** A child that is removed after it was gathered, and before the ghosts are looked at, comes twice. */
class SortedChildren implements Children {
  readonly #runs = new SortedRuns<StoreNode>(byName);
  #last: StoreNode | null = null;

  add(run: readonly StoreNode[]): void {
    this.#runs.add(run.toSorted(run.some(hasSurrogates) ? byName : byNameUnits));
  }

  addGhosts(ghosts: readonly StoreNode[]): void {
    this.add(ghosts);
  }

  next(): StoreNode | null {
    let node = this.#runs.next();
    while (node !== null && node === this.#last) node = this.#runs.next();
    this.#last = node;
    return node;
  }
}

class UnsortedChildren implements Children {
  readonly #runs: StoreNode[][] = [];
  /** Those that may have been gathered too. */
  readonly #ghosts = new Set<StoreNode>();
  #run = 0;
  #at = 0;

  add(run: StoreNode[]): void {
    this.#runs.push(run);
  }

  addGhosts(ghosts: readonly StoreNode[]): void {
    for (const ghost of ghosts) this.#ghosts.add(ghost);
  }

  next(): StoreNode | null {
    for (let run = this.#runs[this.#run]; run !== undefined; run = this.#runs[++this.#run]) {
      const node = run[this.#at++];
      if (node !== undefined) {
        if (this.#ghosts.size > 0) this.#ghosts.delete(node);
        return node;
      }
      this.#at = 0;
    }
    for (const ghost of this.#ghosts) {
      this.#ghosts.delete(ghost);
      return ghost;
    }
    return null;
  }
}

/** Without surrogates the order of UTF-16 units, which the runtime compares fast, is that of the bytes. */
function hasSurrogates({ name }: StoreNode): boolean {
  return /[\ud800-\udfff]/.test(name);
}

/** No two names in a directory are equal; a ghost and what came in its place are not there at the same moment. */
function byNameUnits(a: StoreNode, b: StoreNode): number {
  return a.name < b.name ? -1 : 1;
}

function byName(a: StoreNode, b: StoreNode): number {
  return compareText(a.name, b.name);
}
