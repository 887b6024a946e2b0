// What this package says about itself. kvd passes an implementation that prints etcd's line format;
// tests pass one that remembers. Style §12: constant messages, data as fields; lines that operators'
// scripts wait for keep etcd's exact text (server-flags.md §5, readiness).

/** Data beside a message. Never a key's value, never a credential. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** A structured log. `pkg` among the fields of a child names the part that speaks, as etcd prints it. */
export interface Logger {
  /** What only helps who reads the source beside it. */
  debug(message: string, fields?: LogFields): void;
  /** A change of state that an operator cares about. */
  info(message: string, fields?: LogFields): void;
  /** An event that an operator waits for: readiness, a new leader. */
  notice(message: string, fields?: LogFields): void;
  /** Someone should look if it repeats. */
  warn(message: string, fields?: LogFields): void;
  /** Someone must act. */
  error(message: string, fields?: LogFields): void;
  /** A log whose lines all carry these fields too. */
  child(fields: LogFields): Logger;
}
