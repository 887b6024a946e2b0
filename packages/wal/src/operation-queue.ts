// Operations on one log, one after the other, until the first that fails: from then on every one is
// refused with that failure, because what is on the disk is unknown (architecture.md §8).

import { WalError } from "./errors.ts";

/** Runs operations in order; an idle queue starts one at once, within the call. */
export class OperationQueue {
  #refusal: WalError | null = null;
  /** Resolves when the last operation begun has ended; null when none is in flight. */
  #inFlight: Promise<void> | null = null;

  /**
   * Runs `operation` when those before it have ended.
   *
   * @throws {WalError} `E_FAILED` with the system's error as cause, now and in all later calls; `E_CLOSED` after
   *   `close`. A violated precondition (`E_ASSERT`) passes through and leaves no mark.
   */
  run(operation: () => Promise<void>): Promise<void> {
    const previous = this.#inFlight;
    const running = previous === null ? this.#guard(operation) : previous.then(() => this.#guard(operation));
    const ended = running.then(ignore, ignore).then(() => {
      if (this.#inFlight === ended) this.#inFlight = null;
    });
    this.#inFlight = ended;
    return running;
  }

  /** Refuses what has not begun, waits for what has; true when nothing has ever failed. */
  async close(): Promise<boolean> {
    this.#refusal ??= new WalError("E_CLOSED", "the log is closed");
    await this.#inFlight;
    return this.#refusal.code === "E_CLOSED";
  }

  /** For what need not wait for its turn. */
  refuseAfterFailure(): void {
    if (this.#refusal !== null) throw this.#refusal;
  }

  async #guard(operation: () => Promise<void>): Promise<void> {
    this.refuseAfterFailure();
    try {
      await operation();
    } catch (cause) {
      if (cause instanceof WalError && cause.code === "E_ASSERT") throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#refusal = new WalError("E_FAILED", `the log can no longer be written: ${reason}`, { cause });
      throw this.#refusal;
    }
  }
}

/** The caller of `run` gets the outcome; the queue only wants to know that it is over. */
function ignore(): void {}
