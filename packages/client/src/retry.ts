// When trying again is right, and when to: shared by watches and recipes.

import { pause } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { ClientError, EtcdError } from "./errors.ts";

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5_000;

/** What waiting between two attempts needs. */
export interface RetryDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Whether the same request may succeed later: nobody could be reached, or who answered is out of order. */
export function isMendable(error: unknown): error is ClientError | EtcdError {
  if (error instanceof EtcdError) return error.status >= 500;
  if (!(error instanceof ClientError)) return false;
  if (["E_UNREACHABLE", "E_TIMEOUT", "E_CONNECTION"].includes(error.code)) return true;
  // A proxy in front of the members says in its own words that it reaches none.
  return error.code === "E_BAD_RESPONSE" && (error.attempts.at(-1)?.status ?? 0) >= 500;
}

/** Doubles from the minimum to the maximum; half of it is random, so that clients do not return in step. */
export function backoffMs(failures: number, random: () => number): number {
  const full = Math.min(BACKOFF_MIN_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);
  return full / 2 + (full / 2) * random();
}

/**
 * Repeats a call until it is answered, backing off in between.
 *
 * Only for calls that may be carried out twice: reads, and writes whose second run changes nothing.
 *
 * @throws what trying again cannot mend
 * @throws signal.reason
 */
export async function insist<T>(
  deps: RetryDeps,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const ended = signal ?? new AbortController().signal;
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      if (!isMendable(error)) throw error;
    }
    await pause(deps.clock, backoffMs(failures, deps.random), ended);
  }
}
