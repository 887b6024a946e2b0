// A node as clients see it: a copy of what it was at one moment. Hot path.

import { isHiddenName, type StoreNode } from "./node.ts";
import { compareText } from "./text.ts";
import type { UnixNanos } from "./timestamp.ts";

/**
 * A node in an event or an answer, as it was when the event happened.
 *
 * `key` is the full store path with its namespace (`/1/foo`); the root is `/`.
 */
export interface NodeExtern {
  readonly key: string;
  /** null: not shown (directories, and `node` of removals); "" is an empty value. */
  readonly value: string | null;
  readonly dir: boolean;
  readonly expiration: UnixNanos | null;
  /** Seconds left, rounded up; negative when overdue; 0 is not printed. */
  readonly ttl: number;
  /** Visible children of an expanded directory; null when not expanded or empty. */
  readonly nodes: readonly NodeExtern[] | null;
  readonly modifiedIndex: number;
  readonly createdIndex: number;
}

/** The clock by which a printed `ttl` is computed. It never influences the tree. */
export type Now = () => UnixNanos;

const NANOS_PER_SECOND = 1_000_000_000n;
const INT64_MAX = (1n << 63n) - 1n;

/** The node itself, without its children. */
export function externOf(node: StoreNode, key: string, now: Now): NodeExtern {
  return {
    key,
    value: node.children === null ? node.value : null,
    dir: node.children !== null,
    expiration: node.expiration,
    ttl: node.expiration === null ? 0 : secondsUntil(node.expiration, now()),
    nodes: null,
    modifiedIndex: node.modifiedIndex,
    createdIndex: node.createdIndex,
  };
}

/** The node with its visible children: one level, or all of them when `recursive`. */
export function expandedExternOf(
  node: StoreNode,
  key: string,
  options: { readonly recursive: boolean; readonly sorted: boolean },
  now: Now,
): NodeExtern {
  if (node.children === null) return externOf(node, key, now);
  const prefix = key === "/" ? "/" : `${key}/`;
  const nodes: NodeExtern[] = [];
  for (const child of node.children.values()) {
    if (isHiddenName(child.name)) continue;
    const childKey = prefix + child.name;
    nodes.push(
      options.recursive ? expandedExternOf(child, childKey, options, now) : externOf(child, childKey, now),
    );
  }
  if (options.sorted) nodes.sort(nodes.some(hasSurrogates) ? byKey : byKeyUnits);
  return {
    key,
    value: null,
    dir: true,
    expiration: node.expiration,
    ttl: node.expiration === null ? 0 : secondsUntil(node.expiration, now()),
    nodes: nodes.length === 0 ? null : nodes,
    modifiedIndex: node.modifiedIndex,
    createdIndex: node.createdIndex,
  };
}

/** Seconds from `now` to `expiration`, rounded up; differences beyond 64 bits of nanoseconds are cut off there. */
export function secondsUntil(expiration: UnixNanos, now: UnixNanos): number {
  let left = expiration - now;
  if (left > INT64_MAX) left = INT64_MAX;
  if (left < -INT64_MAX) left = -INT64_MAX;
  const seconds = Number(left / NANOS_PER_SECOND);
  return left % NANOS_PER_SECOND > 0n ? seconds + 1 : seconds;
}

/** Without surrogates the order of UTF-16 units, which the runtime compares fast, is that of the bytes. */
function hasSurrogates({ key }: NodeExtern): boolean {
  return /[\ud800-\udfff]/.test(key);
}

/** No two keys of a directory are equal. */
function byKeyUnits(a: NodeExtern, b: NodeExtern): number {
  return a.key < b.key ? -1 : 1;
}

function byKey(a: NodeExtern, b: NodeExtern): number {
  return compareText(a.key, b.key);
}
