// Waiting for what another process does: looking again and again until a deadline.

import { setTimeout as delay } from "node:timers/promises";

const LOOK_EVERY_MS = 20;

/**
 * Calls `look` until it gives something other than null.
 *
 * @throws {Error} when nothing came up in `timeoutMs`; it names `what` was waited for and the last failure of `look`.
 */
export async function until<T>(
  what: string,
  look: () => T | null | Promise<T | null>,
  { timeoutMs = 15_000 }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let failure: unknown = null;
  for (;;) {
    try {
      const found = await look();
      if (found !== null) return found;
      failure = null;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: failure });
    await delay(LOOK_EVERY_MS);
  }
}
