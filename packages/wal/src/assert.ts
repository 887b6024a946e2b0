// What must be true because of our own code and its callers. Input from the disk is validated instead.

import { WalError } from "./errors.ts";

/**
 * Throws unless `condition` holds; `message` is the invariant as a sentence.
 *
 * @throws {WalError} `E_ASSERT`
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new WalError("E_ASSERT", `this must hold: ${message}`);
}
