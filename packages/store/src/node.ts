// One node of the tree: a file (children === null) or a directory. It keeps only its own name; the
// full path is put together from the parents when it is needed. Hot path.

import type { UnixNanos } from "./timestamp.ts";

/** A file or a directory, as it is now. The root has the name "" and no parent. */
export class StoreNode {
  readonly name: string;
  readonly parent: StoreNode | null;
  createdIndex: number;
  modifiedIndex: number;
  /** null: permanent. */
  expiration: UnixNanos | null;
  /** "" for a directory. */
  value: string;
  /** null for a file. Set once, when the node is made or loaded. */
  children: Map<string, StoreNode> | null;
  /** Position in the TTL heap; -1 when not in it. */
  heapPosition: number;

  constructor(
    name: string,
    parent: StoreNode | null,
    index: number,
    value: string,
    children: Map<string, StoreNode> | null,
  ) {
    this.name = name;
    this.parent = parent;
    this.createdIndex = index;
    this.modifiedIndex = index;
    this.expiration = null;
    this.value = value;
    this.children = children;
    this.heapPosition = -1;
  }

  get isDirectory(): boolean {
    return this.children !== null;
  }
}

/** Makes an empty directory; it still has to be put into its parent. */
export function newDirectory(name: string, parent: StoreNode | null, index: number): StoreNode {
  return new StoreNode(name, parent, index, "", new Map());
}

/** The full path of a node, "/" for the root. */
export function pathOf(node: StoreNode): string {
  let path = "";
  for (let at: StoreNode = node; at.parent !== null; at = at.parent) path = `/${at.name}${path}`;
  return path === "" ? "/" : path;
}

/** Whether listings above leave the node out. */
export function isHiddenName(name: string): boolean {
  return name.charCodeAt(0) === 0x5f;
}
