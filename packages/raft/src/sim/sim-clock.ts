// The clock of one life of a node: it may run fast or slow, the process may stand still, and when the
// process is killed nothing is called any more.

import type { Clock } from "../node/index.ts";
import type { RandomStream } from "./random-stream.ts";
import type { World } from "./world.ts";

/** Below this a timer would fire at the moment in which it was set, for ever. */
const SHORTEST_DELAY_MS = 0.001;
/** A turn of the event loop takes up to this many microseconds. */
const TURN_MAX_MICROS = 400;

/** A `Clock` in virtual time, for one life of one node. */
export class SimClock implements Clock {
  readonly #world: World;
  readonly #random: RandomStream;
  readonly #rate: number;
  #pausedUntilMs = 0;
  #isDead = false;

  /** @param rate how fast it runs: 2 counts two seconds in one. */
  constructor(world: World, random: RandomStream, rate: number) {
    this.#world = world;
    this.#random = random;
    this.#rate = rate;
  }

  /** Whether the process has not been killed. */
  get isAlive(): boolean {
    return !this.#isDead;
  }

  now(): number {
    return this.#world.nowMs * this.#rate;
  }

  after(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    this.#world.after(Math.max(SHORTEST_DELAY_MS, delayMs / this.#rate), () => {
      if (!isCancelled) {
        this.run(() => {
          if (!isCancelled) callback();
        });
      }
    });
    return () => {
      isCancelled = true;
    };
  }

  defer(callback: () => void): void {
    this.#world.after(this.#random.between(1, TURN_MAX_MICROS) / 1000, () => this.run(callback));
  }

  /** Calls back in this process: at once, when it goes on after a pause, or never. */
  run(callback: () => void): void {
    if (this.#isDead) return;
    const waitMs = this.#pausedUntilMs - this.#world.nowMs;
    if (waitMs > 0) {
      this.#world.after(waitMs, () => this.run(callback));
      return;
    }
    this.#world.unsettle();
    callback();
  }

  /** The process stands still from now on. */
  pause(durationMs: number): void {
    this.#pausedUntilMs = this.#world.nowMs + durationMs;
  }

  /** The process goes on. What was held comes when it was due to. */
  resume(): void {
    this.#pausedUntilMs = 0;
  }

  /** The process is gone. */
  kill(): void {
    this.#isDead = true;
  }
}
