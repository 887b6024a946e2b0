// The body of a watch: one JSON line per event, one chunk per line, from the watcher's queue to the
// client (client-api.md §9). It ends when the watcher has ended and is empty. Hot path.

import type { Watcher } from "@kv/store";
import type { FanOut, Sleeper } from "./fan-out.ts";
import { sharedEventJson } from "./write-key-event.ts";

type Line = IteratorResult<string, undefined>;

const END: Line = { done: true, value: undefined };

/** The events of a watcher as a response body. Whoever leaves, by `return` or by the signal, closes the watcher. */
export class WatchBody implements AsyncIterableIterator<string, undefined>, Sleeper {
  readonly #watcher: Watcher;
  readonly #signal: AbortSignal;
  #resolve: ((line: Line) => void) | null = null;

  constructor(watcher: Watcher, fanOut: FanOut, signal: AbortSignal) {
    this.#watcher = watcher;
    this.#signal = signal;
    if (signal.aborted) {
      watcher.close();
      return;
    }
    watcher.onReady = (): void => fanOut.add(this);
    signal.addEventListener("abort", this.#close, { once: true });
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
    this.#close();
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
    if (!this.#watcher.ended) return null;
    this.#signal.removeEventListener("abort", this.#close);
    return END;
  }

  readonly #close = (): void => {
    this.#signal.removeEventListener("abort", this.#close);
    this.#watcher.close();
    this.#settle(END);
  };

  #settle(line: Line): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(line);
  }
}
