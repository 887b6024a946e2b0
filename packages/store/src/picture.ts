// The tree as it was at one moment, for whoever walks it in slices while the store goes on. Copy on write: whoever
// is about to change a node first leaves its old fields here, whoever removes one leaves the node itself, and the
// walk prefers what was left. While there is no picture a write pays one look at an empty set.
//
//   node at the walk:   in images            → the fields saved there
//                       made after the moment → skipped (its createdIndex is above ours)
//                       otherwise            → as it stands
//   directory:          its children now + those removed since (ghosts)

import type { StoreNode } from "./node.ts";
import type { UnixNanos } from "./timestamp.ts";
import type { ChangeListener, Tree } from "./tree.ts";

/** The fields of a node at one moment. */
export interface NodeFields {
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  /** null: permanent. */
  readonly expiration: UnixNanos | null;
  /** "" for a directory. */
  readonly value: string;
}

/** The tree at one store index. Until it is closed, the store saves for it what it overwrites. */
export class Picture implements ChangeListener {
  /** Store index of the moment. */
  readonly index: number;
  readonly #tree: Tree;
  readonly #images = new Map<StoreNode, NodeFields>();
  readonly #ghosts = new Map<StoreNode, StoreNode[]>();

  /** Begins to listen to the changes of `tree`. */
  constructor(tree: Tree, index: number) {
    this.index = index;
    this.#tree = tree;
    tree.listeners.add(this);
  }

  /** Ends the picture. May be called twice. */
  close(): void {
    this.#tree.listeners.delete(this);
    this.#images.clear();
    this.#ghosts.clear();
  }

  beforeChange(node: StoreNode): void {
    if (node.createdIndex > this.index || this.#images.has(node)) return;
    const { createdIndex, modifiedIndex, expiration, value } = node;
    this.#images.set(node, { createdIndex, modifiedIndex, expiration, value });
  }

  beforeRemove(node: StoreNode): void {
    const parent = node.parent;
    if (parent === null || !this.existed(node)) return;
    const ghosts = this.#ghosts.get(parent);
    if (ghosts === undefined) this.#ghosts.set(parent, [node]);
    else ghosts.push(node);
  }

  /** Whether a node that is there now was there then. */
  existed(node: StoreNode): boolean {
    return node.createdIndex <= this.index || this.#images.has(node);
  }

  /** A node as it was. */
  fieldsOf(node: StoreNode): NodeFields {
    return this.#images.get(node) ?? node;
  }

  /** The children that a directory has lost since. */
  ghostsOf(directory: StoreNode): readonly StoreNode[] {
    return this.#ghosts.get(directory) ?? NO_GHOSTS;
  }
}

const NO_GHOSTS: readonly StoreNode[] = [];
