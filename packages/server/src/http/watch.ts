// The body of a watch: one JSON line per event, one chunk per line, from the watcher's queue to the
// client (client-api.md §9). It ends when the watcher has ended and is empty. Hot path.

import type { Watcher } from "@kv/store";
import type { FanOut, Sleeper } from "./fan-out.ts";
import { sharedEventJson } from "./write-key-event.ts";

type Line = IteratorResult<string, undefined>;

const END: Line = { done: true, value: undefined };

/**
 * The events of a watcher as a response body. `return` closes the watcher: engines call it when the client
 * leaves, also when the body was never opened. Thousands wait at once, so nothing is kept that need not be.
 */
export class WatchBody implements AsyncIterableIterator<string, undefined>, Sleeper {
  readonly #watcher: Watcher;
  #resolve: ((line: Line) => void) | null = null;

  constructor(watcher: Watcher, fanOut: FanOut) {
    this.#watcher = watcher;
    watcher.onReady = (): void => fanOut.add(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** At most one call at a time, as engines and `for await` do. */
  next(): Promise<Line> {
    const line = this.#take();
    if (line !== null) return Promise.resolve(line);
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  return(): Promise<Line> {
    this.#watcher.close();
    this.#settle(END);
    return Promise.resolve(END);
  }

  /** There is an event or the end. */
  wake(): void {
    if (this.#resolve === null) return;
    const line = this.#take();
    if (line !== null) this.#settle(line);
  }

  #take(): Line | null {
    const event = this.#watcher.take();
    if (event !== null) return { done: false, value: sharedEventJson(event) };
    return this.#watcher.ended ? END : null;
  }

  #settle(line: Line): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(line);
  }
}
