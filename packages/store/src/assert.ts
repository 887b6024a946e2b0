// Own invariants, checked in production too (a broken one must not reach the replicated state).

/**
 * States what must be true because of our own code; input from outside is validated instead.
 *
 * @throws {Error} with `message`, the invariant as a sentence, when it does not hold.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`store invariant broken: ${message}`);
}
