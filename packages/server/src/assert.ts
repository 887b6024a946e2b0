// States what must be true because of our own code. Stays on in production (style §6).

/** @throws {AssertionError} when `condition` is false: a bug, and fatal. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** A broken invariant. The message is the invariant. */
class AssertionError extends Error {
  override readonly name = "AssertionError";
}
