// The last 1000 events, in a ring. Event n is the one whose node.modifiedIndex is n, and there are no
// gaps, so an index leads straight to its slot.
//
//   slots:   [ … newest | oldest … ]      front: slot of the oldest
//                       ^ back = front    back:  slot written next
//
// Source: client-api.md §3.7, disk-format.md §5.

import { assert } from "./assert.ts";
import { EtcdError, ErrorCode } from "./errors.ts";
import type { StoreEvent } from "./event.ts";
import { isBelow, isHiddenBelow } from "./path.ts";

/** Events kept. */
export const HISTORY_CAPACITY = 1_000;

/** The fields of the ring as they stand in snapshots; `events` has `capacity` slots. */
export interface HistoryState {
  readonly events: readonly (StoreEvent | null)[];
  readonly size: number;
  readonly front: number;
  readonly back: number;
  /** modifiedIndex of the oldest and newest event; 0 when there is none. */
  readonly startIndex: number;
  readonly lastIndex: number;
}

/** Paths below a removed directory that existed; null if that is not known. */
export type RemovedPaths = ReadonlySet<string> | null;

/** The ring of kept events. */
export class EventHistory {
  readonly #events: (StoreEvent | null)[];
  /** For directory removals, beside their event: what went away with the directory. */
  readonly #removed: RemovedPaths[];
  #size: number;
  #front: number;
  #back: number;
  #startIndex: number;
  #lastIndex: number;

  constructor(state: HistoryState = emptyHistory()) {
    this.#events = [...state.events];
    this.#removed = this.#events.map(() => null);
    this.#size = state.size;
    this.#front = state.front;
    this.#back = state.back;
    this.#startIndex = state.startIndex;
    this.#lastIndex = state.lastIndex;
  }

  /** A copy of the ring as it is now. */
  state(): HistoryState {
    return {
      events: this.#events.slice(),
      size: this.#size,
      front: this.#front,
      back: this.#back,
      startIndex: this.#startIndex,
      lastIndex: this.#lastIndex,
    };
  }

  /** Adds the newest event; the oldest one falls out of a full ring. `removed` only for directory removals. */
  add(event: StoreEvent, removed: RemovedPaths): void {
    const index = event.node.modifiedIndex;
    assert(this.#size === 0 || index === this.#lastIndex + 1, "events are recorded without gaps");
    const capacity = this.#events.length;
    this.#events[this.#back] = event;
    this.#removed[this.#back] = removed;
    this.#back = (this.#back + 1) % capacity;
    if (this.#size === capacity) this.#front = this.#back;
    else this.#size++;
    this.#lastIndex = index;
    this.#startIndex = this.#events[this.#front]?.node.modifiedIndex ?? 0;
  }

  /**
   * Finds kept events from `since` on that a watcher of `path` would have been given, oldest first,
   * `limit` at most.
   *
   * Unlike 2.3.8 (client-api.md §18) this shows exactly what a live watcher is shown. Where it is not
   * known what a removed directory held (it came from a snapshot, or held very much), its removal is
   * shown to all watchers below it: rather one event too many than one lost.
   *
   * @throws {EtcdError} 401 if `since` is older than the ring; `etcdIndex` is the index it carries.
   */
  scan(
    path: string,
    options: { readonly recursive: boolean; readonly since: number; readonly limit: number },
    etcdIndex: number,
  ): StoreEvent[] {
    const { recursive, since, limit } = options;
    if (since < this.#startIndex) {
      const cause = `the requested history has been cleared [${this.#startIndex}/${since}]`;
      throw new EtcdError(ErrorCode.EventIndexCleared, cause, etcdIndex);
    }
    const found: StoreEvent[] = [];
    if (this.#size === 0) return found;
    const capacity = this.#events.length;
    for (let offset = since - this.#startIndex; offset < this.#size && found.length < limit; offset++) {
      const slot = (this.#front + offset) % capacity;
      const event = this.#events[slot];
      if (event === null || event === undefined || event.refresh) continue;
      if (matches(event, this.#removed[slot] ?? null, path, recursive)) found.push(event);
    }
    return found;
  }
}

function emptyHistory(): HistoryState {
  const events = Array.from({ length: HISTORY_CAPACITY }, () => null);
  return { events, size: 0, front: 0, back: 0, startIndex: 0, lastIndex: 0 };
}

function matches(event: StoreEvent, removed: RemovedPaths, path: string, recursive: boolean): boolean {
  const key = event.node.key;
  if (key === path) return true;
  if (isBelow(key, path)) return recursive && !isHiddenBelow(key, path);
  if (!event.isDirectoryRemoval() || !isBelow(path, key)) return false;
  return removed === null || removed.has(path);
}
