// How far a long command is, on a line of its own that is written over: for people who wait, and only on a terminal.

import type { Printer } from "./print.ts";

/** The line is written at most this often. */
const INTERVAL_MS = 100;

/** One line on standard error that counts up. Nothing is written unless standard error is a terminal. */
export class Progress {
  readonly #printer: Printer;
  readonly #now: () => number;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #width = 0;

  /** `now`: monotonic milliseconds. */
  constructor(printer: Printer, now: () => number = () => performance.now()) {
    this.#printer = printer;
    this.#now = now;
  }

  /** Shows `text`, unless something was shown just now. */
  show(text: string): void {
    const now = this.#now();
    if (now - this.#shownAtMs < INTERVAL_MS) return;
    this.#shownAtMs = now;
    // Asked second: it is a question to the system.
    if (!this.#printer.isErrorWatched) return;
    this.#write(text);
  }

  /** Takes the line away, so that what follows stands alone. */
  end(): void {
    if (this.#width === 0) return;
    this.#write("");
    this.#printer.errorText("\r");
    this.#width = 0;
  }

  // Blanks over the rest of what was there: that works on any terminal.
  #write(text: string): void {
    this.#printer.errorText(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }
}
