// A live copy of the files below a key, fed by follow.ts. Whatever breaks on the way, the copy is the server's
// state as of some store index, and that index only grows.

import type { Client } from "../client.ts";
import type { FollowEvent } from "../follow.ts";
import type { KeyEvent, Node } from "../schemas.ts";

/** A file as the copy knows it. */
export interface CachedFile {
  /** Empty for a file without a value. */
  readonly value: string;
  /** Of the last write that watchers are told of: a refresh of the TTL is not. */
  readonly modifiedIndex: number;
}

/**
 * The files of a directory, hidden ones left out, kept up to date until it is closed.
 *
 * It holds files, not directories, and no TTLs: what expires disappears when the server says so.
 */
export class Cache implements AsyncDisposable {
  readonly #root: string;
  readonly #files = new Map<string, CachedFile>();
  readonly #closed = new AbortController();
  readonly #stopped = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #running: Promise<void>;
  #etcdIndex = -1;

  private constructor(client: Client, key: string) {
    this.#root = rootOf(key);
    this.#running = this.#run(client, key);
  }

  /**
   * Starts a copy and resolves when it is complete for the first time.
   *
   * @throws {EtcdError} if the server refuses; signal.reason. Then nothing goes on behind.
   */
  static async open(
    client: Client,
    key: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Cache> {
    const cache = new Cache(client, key);
    try {
      await cache.atLeast(0, options);
      return cache;
    } catch (error) {
      await cache.close();
      throw error;
    }
  }

  /** Files by key. The map changes under the reader, between two turns. */
  get files(): ReadonlyMap<string, CachedFile> {
    return this.#files;
  }

  /** The value of a file as of {@link etcdIndex}, or null. */
  get(key: string): string | null {
    return this.#files.get(rootOf(key))?.value ?? null;
  }

  /** The copy has every change below the key up to this store index. */
  get etcdIndex(): number {
    return this.#etcdIndex;
  }

  /** Aborted when the copy is kept up no more: closed, or with the error that ended it. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Resolves when the copy has the change of this store index, which must be one below the key: so a program
   * finds what it wrote.
   *
   * @throws signal.reason, or the reason why the copy is kept up no more
   */
  async atLeast(
    etcdIndex: number,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    while (this.#etcdIndex < etcdIndex) {
      signal?.throwIfAborted();
      this.#stopped.signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
      await promise;
      signal?.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
    }
  }

  /** Ends it; the files stay as they are. May be called twice. */
  async close(): Promise<void> {
    this.#closed.abort(new DOMException("the cache is closed", "AbortError"));
    await this.#running;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(client: Client, key: string): Promise<void> {
    try {
      for await (const change of client.follow(key, { recursive: true, signal: this.#closed.signal })) {
        this.#take(change);
      }
    } catch (error) {
      // Whoever uses the copy learns it from `stopped` and from `atLeast`.
      this.#stopped.abort(error);
      this.#wake();
    }
  }

  #take(change: FollowEvent): void {
    if (change.type === "state") {
      this.#files.clear();
      if (change.node !== null) this.#addAll(change.node);
      this.#etcdIndex = change.etcdIndex;
    } else {
      this.#apply(change);
      this.#etcdIndex = change.node.modifiedIndex;
    }
    this.#wake();
  }

  #addAll(node: Node): void {
    if (!node.dir) this.#set(node);
    for (const child of node.nodes ?? []) this.#addAll(child);
  }

  #apply({ action, node }: KeyEvent): void {
    switch (action) {
      case "get":
        return;
      case "delete":
      case "compareAndDelete":
      case "expire":
        this.#removeAll(node.key);
        return;
      case "update":
        // Of a directory only the TTL; what is in it stays.
        if (!node.dir) this.#set(node);
        return;
      case "set":
      case "create":
      case "compareAndSwap":
        if (node.dir) this.#files.delete(node.key);
        else this.#set(node);
    }
  }

  #set({ key, value, modifiedIndex }: Node): void {
    // A server's history also shows changes of hidden keys, which its listings and live watches leave out.
    if (this.#isBelowRoot(key) && !this.#isHidden(key)) {
      this.#files.set(key, { value: value ?? "", modifiedIndex });
    }
  }

  /** Removes a file, or everything in a directory, which may also be one above the root. */
  #removeAll(removed: string): void {
    this.#files.delete(removed);
    const directory = `${removed}/`;
    for (const key of this.#files.keys()) {
      if (key.startsWith(directory)) this.#files.delete(key);
    }
  }

  #isBelowRoot(key: string): boolean {
    return key === this.#root || key.startsWith(`${this.#root}/`);
  }

  #isHidden(key: string): boolean {
    return key.slice(this.#root.length).includes("/_");
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** As the server writes keys: one slash in front of each part; nothing for the root. */
function rootOf(key: string): string {
  return key
    .split("/")
    .filter((part) => part !== "")
    .map((part) => `/${part}`)
    .join("");
}
