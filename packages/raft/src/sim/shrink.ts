// From a failing plan to a short one: leaves out actions, half of them first and single ones at the end,
// as long as the same rule is broken (delta debugging).

import { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";

const DEFAULT_RUN_LIMIT = 1_500;

/** The shortest plan that was found; its actions are to be given as `keep`. */
export interface Shrunk {
  readonly keep: readonly number[];
  readonly result: SimulationResult;
}

/**
 * Shrinks the plan of a failed simulation. `options` are those it was run with.
 *
 * @param runLimit simulations that may be run for it.
 */
export async function shrink(
  options: SimulationOptions,
  failed: SimulationResult,
  runLimit: number = DEFAULT_RUN_LIMIT,
): Promise<Shrunk> {
  const invariant = failed.violation?.invariant ?? null;
  let best: Shrunk = { keep: numbersOf(failed), result: failed };
  if (invariant === null) return best;
  let runs = 0;
  let size = Math.ceil(best.keep.length / 2);
  while (runs < runLimit && size > 0) {
    let isShorter = false;
    for (let start = 0; start < best.keep.length && runs < runLimit; runs++) {
      const keep = best.keep.toSpliced(start, size);
      const result = await simulate({ ...options, keep });
      if (result.violation?.invariant === invariant) {
        best = { keep, result };
        isShorter = true;
      } else start += size;
    }
    if (!isShorter || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return best;
}

// What had not been done yet when the rule was broken had no part in it.
function numbersOf({ actions, violation }: SimulationResult): number[] {
  const endMs = violation?.timeMs ?? Number.POSITIVE_INFINITY;
  return actions.filter(({ atMs }) => atMs <= endMs).map(({ number }) => number);
}
