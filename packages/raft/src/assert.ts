// Assertions stay on in production: an integer compare costs nothing next to a wrong commit.
// What fails here is damaged state of this node, so the error is fatal. Spec: raft.md §17.

import { RaftError } from "./errors.ts";

/**
 * States what must be true because of this package's own code.
 *
 * @throws {RaftError} E_FATAL with `message` if it is not.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw fatal(message);
}

/** The error that makes a node failed: it must neither vote nor answer afterwards. */
export function fatal(
  message: string,
  options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
): RaftError {
  return new RaftError("E_FATAL", message, options);
}
