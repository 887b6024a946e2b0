// One watch: a bounded queue between the store, which never waits, and one consumer. Hot path.

import type { StoreEvent } from "./event.ts";

/** Live events a watcher may fall behind; the next one ends it. etcd's channel has the same size. */
export const WATCHER_QUEUE_LIMIT = 100;

/**
 * What a consumer holds. Take events until `take` gives null; then stop if `ended`, else wait for
 * `onReady`. Queued events can still be taken after the end.
 */
export interface Watcher {
  /** Store index when the watch began. */
  readonly startIndex: number;
  /** The next queued event in index order; null when there is none now. */
  take(): StoreEvent | null;
  /** No further event will be queued: a one-shot has its event, the queue overflowed, the store was replaced, or `close` was called. */
  readonly ended: boolean;
  /**
   * Called when an event was queued or the watcher ended, synchronously from within the write. It must
   * not throw and must not write to the store; it may take, close and start watches.
   */
  onReady: (() => void) | null;
  /** Ends the watch and drops what is queued. May be called twice. */
  close(): void;
}

/** What the hub needs of the one who registered a watcher. */
export interface WatcherOwner {
  remove(watcher: QueuedWatcher): void;
}

/** The store's side of a watcher. */
export class QueuedWatcher implements Watcher {
  readonly path: string;
  readonly recursive: boolean;
  readonly stream: boolean;
  /** Older events are ignored. */
  readonly since: number;
  readonly startIndex: number;
  onReady: (() => void) | null = null;
  readonly #owner: WatcherOwner;
  #queue: StoreEvent[];
  /** Position of the next event to take in `#queue`. */
  #taken = 0;
  /** Events from the history still queued; they do not count against the limit. */
  #backlog: number;
  #ended = false;

  constructor(
    path: string,
    options: { readonly recursive: boolean; readonly stream: boolean; readonly since: number },
    startIndex: number,
    backlog: StoreEvent[],
    owner: WatcherOwner,
  ) {
    this.path = path;
    this.recursive = options.recursive;
    this.stream = options.stream;
    this.since = options.since;
    this.startIndex = startIndex;
    this.#queue = backlog;
    this.#backlog = backlog.length;
    this.#owner = owner;
    if (!this.stream && backlog.length > 0) this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }

  take(): StoreEvent | null {
    const event = this.#queue[this.#taken];
    if (event === undefined) return null;
    this.#taken++;
    if (this.#backlog > 0) this.#backlog--;
    if (this.#taken === this.#queue.length || this.#taken >= WATCHER_QUEUE_LIMIT) {
      this.#queue = this.#queue.slice(this.#taken);
      this.#taken = 0;
    }
    return event;
  }

  close(): void {
    this.onReady = null;
    this.end();
    this.#queue = [];
    this.#taken = 0;
  }

  /** Queues a live event, or ends the watcher when its consumer is too slow. */
  offer(event: StoreEvent): void {
    if (this.#queue.length - this.#taken - this.#backlog >= WATCHER_QUEUE_LIMIT) {
      this.end();
      return;
    }
    this.#queue.push(event);
    if (!this.stream) this.end();
  }

  /** No further events: what is queued can still be taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.remove(this);
  }
}
