// The tree of nodes and the changes it can undergo. It knows paths, TTLs and who must be told before a
// node changes (frozen pictures), but nothing of indexes, events and watchers: those are store.ts. Hot path.

import { assert } from "./assert.ts";
import { EtcdError, ErrorCode } from "./errors.ts";
import { newDirectory, pathOf, StoreNode } from "./node.ts";
import type { UnixNanos } from "./timestamp.ts";
import { TtlHeap } from "./ttl-heap.ts";

/** Told of every change to a node before it happens. */
export interface ChangeListener {
  /** `node` is about to get other indexes, another value or another expiration. */
  beforeChange(node: StoreNode): void;
  /** `node` is about to be taken out of its parent, with all below it. */
  beforeRemove(node: StoreNode): void;
}

/** The result of looking for a path that may not exist. */
export interface Place {
  /** The deepest directory that exists on the way. */
  readonly directory: StoreNode;
  /** Offset in the path of the component that was looked up in `directory`. */
  readonly start: number;
  /** The node at the path; null if there is none. */
  readonly node: StoreNode | null;
}

/** What a new node holds; `value` counts for files only, `expiration` null is permanent. */
export interface NodeContent {
  readonly dir: boolean;
  readonly value: string;
  readonly expiration: UnixNanos | null;
}

/** Names this short are copied by the engine when cut out of a path; longer ones would keep the path alive. */
const COPIED_SLICE_LENGTH = 12;

/** The nodes under one root, and the order in which they expire. */
export class Tree {
  readonly root: StoreNode;
  readonly expiring: TtlHeap = new TtlHeap();
  /** Pictures being taken; almost always none. */
  readonly listeners: Set<ChangeListener> = new Set();

  /** `root` may hold nodes already; those with an expiration are found here. */
  constructor(root: StoreNode = newDirectory("", null, 0)) {
    assert(root.children !== null, "the root is a directory");
    this.root = root;
    addExpiring(root, this.expiring);
  }

  /**
   * The node at a clean path.
   *
   * @throws {EtcdError} 100 at the first missing component, 104 at a file with more to follow.
   */
  find(path: string, index: number): StoreNode {
    let node = this.root;
    let start = 1;
    while (start < path.length) {
      const slash = path.indexOf("/", start);
      const end = slash === -1 ? path.length : slash;
      if (node.children === null) throw notADirectory(node, index);
      const child = node.children.get(path.slice(start, end));
      if (child === undefined) throw new EtcdError(ErrorCode.KeyNotFound, path.slice(0, end), index);
      node = child;
      start = end + 1;
    }
    return node;
  }

  /**
   * Where a clean path, not the root, is or would be; changes nothing.
   *
   * @throws {EtcdError} 104 if a component on the way is a file.
   */
  locate(path: string, index: number): Place {
    let directory = this.root;
    let start = 1;
    for (;;) {
      if (directory.children === null) throw notADirectory(directory, index);
      const slash = path.indexOf("/", start);
      const name = slash === -1 ? path.slice(start) : path.slice(start, slash);
      const node = directory.children.get(name);
      if (node === undefined) return { directory, start, node: null };
      if (slash === -1) return { directory, start, node };
      directory = node;
      start = slash + 1;
    }
  }

  /** Puts a new node at `path`, which is free, and creates the directories missing above it. */
  add(place: Place, path: string, content: NodeContent, index: number): StoreNode {
    let parent = place.directory;
    let start = place.start;
    for (let slash = path.indexOf("/", start); slash !== -1; slash = path.indexOf("/", start)) {
      const directory = newDirectory(nameIn(path, start, slash), parent, index);
      putInto(parent, directory);
      parent = directory;
      start = slash + 1;
    }
    const name = nameIn(path, start, path.length);
    const node = content.dir
      ? newDirectory(name, parent, index)
      : new StoreNode(name, parent, index, content.value, null);
    putInto(parent, node);
    this.#renew(node, content.expiration);
    return node;
  }

  /** Gives a file another value and TTL; a directory keeps its modifiedIndex and has no value. */
  write(node: StoreNode, value: string, expiration: UnixNanos | null, index: number): void {
    for (const listener of this.listeners) listener.beforeChange(node);
    // The TTL heap orders by modifiedIndex too, so the node leaves it before that changes.
    this.expiring.remove(node);
    if (node.children === null) {
      node.value = value;
      node.modifiedIndex = index;
    }
    this.#renew(node, expiration);
  }

  /** Overwrites a file as if it were new. */
  replaceFile(node: StoreNode, value: string, expiration: UnixNanos | null, index: number): void {
    assert(node.children === null, "only a file is replaced in place");
    this.write(node, value, expiration, index);
    node.createdIndex = index;
  }

  /** Takes a node out of its parent and everything below it out of the TTL heap. */
  remove(node: StoreNode): void {
    assert(node.parent !== null, "the root is never removed");
    for (const listener of this.listeners) listener.beforeRemove(node);
    node.parent.children?.delete(node.name);
    this.#forgetExpirations(node);
  }

  #renew(node: StoreNode, expiration: UnixNanos | null): void {
    node.expiration = expiration;
    if (expiration !== null) this.expiring.add(node);
  }

  /** Throws if a link, a heap entry or an index is wrong. For tests. */
  checkInvariants(): void {
    this.expiring.checkInvariants();
    let expiringCount = 0;
    const visit = (node: StoreNode): void => {
      if (node.expiration !== null) expiringCount++;
      assert(
        (node.expiration !== null) === node.heapPosition >= 0,
        "exactly the nodes with a TTL are in the heap",
      );
      assert(node.createdIndex <= node.modifiedIndex, "a node is not modified before it is created");
      for (const [name, child] of node.children ?? []) {
        assert(child.name === name && child.parent === node, "a child knows its name and its parent");
        visit(child);
      }
    };
    visit(this.root);
    assert(expiringCount === this.expiring.size, "the heap holds no node that is gone");
  }

  #forgetExpirations(node: StoreNode): void {
    this.expiring.remove(node);
    if (node.children === null) return;
    for (const child of node.children.values()) {
      if (this.expiring.size === 0) return;
      this.#forgetExpirations(child);
    }
  }
}

/**
 * The paths of all nodes below a directory, in no particular order; null if there are more than `limit`.
 */
export function pathsBelow(directory: StoreNode, path: string, limit: number): Set<string> | null {
  const paths = new Set<string>();
  return collectPaths(directory, path === "/" ? "" : path, limit, paths) ? paths : null;
}

function collectPaths(directory: StoreNode, path: string, limit: number, paths: Set<string>): boolean {
  if (directory.children === null) return true;
  if (paths.size + directory.children.size > limit) return false;
  for (const child of directory.children.values()) {
    const childPath = `${path}/${child.name}`;
    paths.add(childPath);
    if (!collectPaths(child, childPath, limit, paths)) return false;
  }
  return true;
}

function putInto(parent: StoreNode, node: StoreNode): void {
  assert(
    parent.children !== null && !parent.children.has(node.name),
    "a new node has a free place in a directory",
  );
  parent.children.set(node.name, node);
}

function addExpiring(node: StoreNode, heap: TtlHeap): void {
  if (node.expiration !== null) heap.add(node);
  if (node.children === null) return;
  for (const child of node.children.values()) addExpiring(child, heap);
}

function notADirectory(node: StoreNode, index: number): EtcdError {
  return new EtcdError(ErrorCode.NotADirectory, pathOf(node), index);
}

/** A component of a path as a string of its own, so that a node does not keep the whole path alive. */
function nameIn(path: string, start: number, end: number): string {
  const name = path.slice(start, end);
  if (name.length <= COPIED_SLICE_LENGTH || name.length === path.length) return name;
  return copyOf(name);
}

function copyOf(text: string): string {
  const units: number[] = [];
  for (let i = 0; i < text.length; i++) units.push(text.charCodeAt(i));
  return String.fromCharCode(...units);
}
