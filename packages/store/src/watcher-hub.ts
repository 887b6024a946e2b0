// Who watches what. An event is offered to the watchers of its key and of every ancestor, found by
// walking up the path; watchers are never searched. Hot path.

import type { StoreEvent } from "./event.ts";
import { isHiddenBelow } from "./path.ts";
import type { QueuedWatcher, WatcherOwner } from "./watcher.ts";

/** The registered watchers by path. Each watcher sees each event at most once, in index order. */
export class WatcherHub implements WatcherOwner {
  readonly #byPath = new Map<string, Set<QueuedWatcher>>();
  #count = 0;

  /** Watchers registered now. */
  get count(): number {
    return this.#count;
  }

  add(watcher: QueuedWatcher): void {
    const set = this.#byPath.get(watcher.path);
    if (set === undefined) this.#byPath.set(watcher.path, new Set([watcher]));
    else set.add(watcher);
    this.#count++;
  }

  /** Forgets a watcher; nothing happens if it is not registered. */
  remove(watcher: QueuedWatcher): void {
    const set = this.#byPath.get(watcher.path);
    if (set === undefined || !set.delete(watcher)) return;
    this.#count--;
    if (set.size === 0) this.#byPath.delete(watcher.path);
  }

  /** Ends all watchers: the store they watched is gone. */
  clear(): void {
    const ended: QueuedWatcher[] = [];
    for (const set of this.#byPath.values()) ended.push(...set);
    this.#byPath.clear();
    this.#count = 0;
    for (const watcher of ended) watcher.end();
    wake(ended);
  }

  /**
   * Offers an event to the watchers of its key, of the ancestors, and of `removedPaths`, the nodes that
   * went away with a directory. Consumers are called after all have been offered the event.
   */
  notify(event: StoreEvent, removedPaths: Iterable<string> | null): void {
    if (this.#count === 0) return;
    const ready: QueuedWatcher[] = [];
    if (removedPaths !== null) {
      for (const path of removedPaths) this.#offerRemoval(event, path, ready);
    }
    const key = event.node.key;
    this.#offerAt(event, "/", ready);
    for (let end = key.indexOf("/", 1); end !== -1; end = key.indexOf("/", end + 1)) {
      this.#offerAt(event, key.slice(0, end), ready);
    }
    if (key.length > 1) this.#offerAt(event, key, ready);
    wake(ready);
  }

  /** Watchers on a node that went away with its directory: all of them, hidden or not. */
  #offerRemoval(event: StoreEvent, path: string, ready: QueuedWatcher[]): void {
    const set = this.#byPath.get(path);
    if (set === undefined) return;
    for (const watcher of set) offer(watcher, event, ready);
  }

  #offerAt(event: StoreEvent, path: string, ready: QueuedWatcher[]): void {
    const set = this.#byPath.get(path);
    if (set === undefined) return;
    const isKey = path.length === event.node.key.length;
    if (!isKey && isHiddenBelow(event.node.key, path)) return;
    for (const watcher of set) {
      if (isKey || watcher.recursive) offer(watcher, event, ready);
    }
  }
}

function offer(watcher: QueuedWatcher, event: StoreEvent, ready: QueuedWatcher[]): void {
  if (event.node.modifiedIndex < watcher.since) return;
  watcher.offer(event);
  ready.push(watcher);
}

function wake(watchers: readonly QueuedWatcher[]): void {
  for (let i = 0; i < watchers.length; i++) watchers[i]?.onReady?.();
}
