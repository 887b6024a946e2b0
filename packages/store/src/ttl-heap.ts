// Nodes with a TTL, the one that expires first on top. Each node knows its position, so it can be
// taken out from anywhere. Hot path.

import { assert } from "./assert.ts";
import { pathOf, type StoreNode } from "./node.ts";
import { compareText } from "./text.ts";

/**
 * A binary min-heap of nodes by expiration.
 *
 * Expiry is replicated, so the order must follow from the tree alone and not from the history of
 * this heap: equal instants are ordered by modifiedIndex, then by path.
 */
export class TtlHeap {
  readonly #nodes: StoreNode[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  /** The node that expires first; null when none has a TTL. */
  top(): StoreNode | null {
    return this.#nodes[0] ?? null;
  }

  /** Adds a node with an expiration. */
  add(node: StoreNode): void {
    assert(node.expiration !== null, "a node in the TTL heap has an expiration");
    assert(node.heapPosition === -1, "a node is in the TTL heap at most once");
    this.#nodes.push(node);
    this.#rise(node, this.#nodes.length - 1);
  }

  /** Takes a node out; nothing happens if it is not in. */
  remove(node: StoreNode): void {
    const position = node.heapPosition;
    if (position === -1) return;
    assert(this.#nodes[position] === node, "a node knows its position in the TTL heap");
    node.heapPosition = -1;
    const last = this.#nodes.pop();
    if (last === undefined || last === node) return;
    this.#sink(last, position);
    if (last.heapPosition === position) this.#rise(last, position);
  }

  /** Throws if the heap order or a position is wrong. For tests. */
  checkInvariants(): void {
    this.#nodes.forEach((node, position) => {
      assert(node.heapPosition === position, "a node knows its position in the TTL heap");
      const parent = this.#nodes[(position - 1) >> 1];
      if (position > 0 && parent !== undefined) assert(!isBefore(node, parent), "no child expires first");
    });
  }

  #rise(node: StoreNode, from: number): void {
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#nodes[above];
      if (parent === undefined || !isBefore(node, parent)) break;
      this.#place(parent, position);
      position = above;
    }
    this.#place(node, position);
  }

  #sink(node: StoreNode, from: number): void {
    let position = from;
    for (;;) {
      let below = 2 * position + 1;
      let child = this.#nodes[below];
      if (child === undefined) break;
      const right = this.#nodes[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (!isBefore(child, node)) break;
      this.#place(child, position);
      position = below;
    }
    this.#place(node, position);
  }

  #place(node: StoreNode, position: number): void {
    this.#nodes[position] = node;
    node.heapPosition = position;
  }
}

function isBefore(a: StoreNode, b: StoreNode): boolean {
  const x = a.expiration ?? 0n;
  const y = b.expiration ?? 0n;
  if (x !== y) return x < y;
  if (a.modifiedIndex !== b.modifiedIndex) return a.modifiedIndex < b.modifiedIndex;
  return compareText(pathOf(a), pathOf(b)) < 0;
}
