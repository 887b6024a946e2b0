// What this package says about itself: a small part of the server's log interface, and a guard that
// keeps a peer that fails ten times a second from filling the log. Style §12.

import type { Clock } from "./clock.ts";

/** Data beside a message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Where the transport tells what an operator may want to know. */
export interface Logger {
  /** What only helps to follow the protocol. */
  debug(message: string, fields?: LogFields): void;
  /** A change of state: a peer that has become reachable, a stream that was opened. */
  info(message: string, fields?: LogFields): void;
  /** Someone should look if it repeats; at most once a minute per message. */
  warn(message: string, fields?: LogFields): void;
  /** Someone must act. */
  error(message: string, fields?: LogFields): void;
}

const REPEAT_MS = 60_000;

interface Kind {
  quietUntil: number;
  suppressedCount: number;
}

/** Lets each kind of warning through once a minute and says how many were held back: for what others can cause at will. */
export class WarningLimiter {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** The message is the kind: use a literal. */
  warn(message: string, fields: LogFields): void {
    const now = this.#clock.now();
    const kind = this.#kinds.get(message) ?? { quietUntil: -Infinity, suppressedCount: 0 };
    this.#kinds.set(message, kind);
    if (now < kind.quietUntil) {
      kind.suppressedCount++;
      return;
    }
    this.#logger.warn(message, { ...fields, suppressedCount: kind.suppressedCount });
    kind.quietUntil = now + REPEAT_MS;
    kind.suppressedCount = 0;
  }
}
