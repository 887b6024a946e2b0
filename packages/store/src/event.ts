// What happened to a node, or what a get found. Hot path.

import type { NodeExtern } from "./node-extern.ts";

/** What was done, in etcd's words. */
export type Action =
  | "get"
  | "set"
  | "create"
  | "update"
  | "delete"
  | "compareAndSwap"
  | "compareAndDelete"
  | "expire";

/**
 * The answer to an operation; writes and expirations also go to the history and to watchers.
 *
 * Shared by everybody who sees it, so nobody changes it, `encoded` excepted.
 */
export class StoreEvent {
  readonly action: Action;
  readonly node: NodeExtern;
  readonly prevNode: NodeExtern | null;
  /** Store index right after the operation. */
  readonly etcdIndex: number;
  /** The write only renewed a TTL: recorded, but shown to no watcher. */
  readonly refresh: boolean;
  /** A slot for the printed form, so that many watchers share one; the store never touches it. */
  encoded: string | null;

  constructor(
    action: Action,
    node: NodeExtern,
    prevNode: NodeExtern | null,
    etcdIndex: number,
    options: { readonly refresh: boolean },
  ) {
    this.action = action;
    this.node = node;
    this.prevNode = prevNode;
    this.etcdIndex = etcdIndex;
    this.refresh = options.refresh;
    this.encoded = null;
  }

  /** Whether a key came into being: the answer is then 201 instead of 200. */
  isCreated(): boolean {
    return this.action === "create" || (this.action === "set" && this.prevNode === null);
  }

  /** Whether a directory went away, and all below it. */
  isDirectoryRemoval(): boolean {
    return (this.action === "delete" || this.action === "expire") && this.prevNode?.dir === true;
  }
}
