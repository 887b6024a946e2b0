// Wakes the bodies of watches after an event: in the next turn of the loop, so that the writer is
// answered first, and some at a time, so that nothing else waits long (performance.md §11). Hot path.

/** Bodies woken per turn of the loop; each costs one system call. */
const WAKE_SLICE = 256;

/** Something that waits for its watcher. */
export interface Sleeper {
  wake(): void;
}

/** The queue of those to be woken, in the order in which their events happened. */
export class FanOut {
  #sleepers: Sleeper[] = [];
  #next = 0;
  #isScheduled = false;

  /** Wakes a sleeper soon. It may be here twice: waking it for nothing is harmless. */
  add(sleeper: Sleeper): void {
    this.#sleepers.push(sleeper);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#wakeSlice);
  }

  readonly #wakeSlice = (): void => {
    const end = Math.min(this.#next + WAKE_SLICE, this.#sleepers.length);
    while (this.#next < end) this.#sleepers[this.#next++]?.wake();
    this.#isScheduled = this.#next < this.#sleepers.length;
    if (this.#isScheduled) {
      setImmediate(this.#wakeSlice);
      return;
    }
    this.#sleepers = [];
    this.#next = 0;
  };
}
