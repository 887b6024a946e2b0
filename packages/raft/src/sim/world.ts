// Virtual time and what happens in it. Everything of a simulation runs from here, one event after the
// other; in between the promises of the driver settle, in the order in which the engine settles them,
// which is always the same. Hot path.

import { Coverage } from "./coverage.ts";
import { EventQueue } from "./event-queue.ts";

/** Turns of the microtask queue after an event: more than the longest chain of promises in the driver. */
const SETTLE_TURNS = 10;
const TURN = Promise.resolve();

/** What must never be, and was. */
export interface Violation {
  /** The name of the rule, the same for the same kind of failure. */
  readonly invariant: string;
  readonly text: string;
  readonly timeMs: number;
  /** How many events had happened. */
  readonly step: number;
}

/** The clock, the events to come and the first violation of one simulation. */
export class World {
  readonly coverage: Coverage = new Coverage();
  nowMs = 0;
  stepCount = 0;
  violation: Violation | null = null;
  readonly #queue = new EventQueue();
  #momentCount = 0;
  #isSettled = true;

  /** Calls `run` when `delayMs` have passed. */
  after(delayMs: number, run: () => void): void {
    this.#queue.push(this.nowMs + delayMs, run);
  }

  /** Says that the event which runs may have settled promises. */
  unsettle(): void {
    this.#isSettled = false;
  }

  /** A number that is higher each time: orders calls and returns of clients. */
  nextMoment(): number {
    return ++this.#momentCount;
  }

  /** Ends the simulation, unless it has ended before. */
  violate(invariant: string, text: string): void {
    this.violation ??= { invariant, text, timeMs: this.nowMs, step: this.stepCount };
  }

  /** Lets happen what is due until then. Ends early at a violation, or when `isDone` after an event. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    while (this.violation === null && this.#queue.nextTimeMs <= untilMs && !isDone()) {
      const event = this.#queue.pop();
      if (event === null) return;
      this.nowMs = event.timeMs;
      this.stepCount++;
      event.run();
      if (this.#isSettled) continue;
      this.#isSettled = true;
      for (let i = 0; i < SETTLE_TURNS; i++) await TURN;
    }
    if (this.violation === null && this.#queue.nextTimeMs > untilMs) this.nowMs = untilMs;
  }
}
