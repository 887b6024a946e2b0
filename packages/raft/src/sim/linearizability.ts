// Whether a concurrent history could have been produced one operation at a time: the search of Wing and
// Gong with the memory of Lowe, for each key by itself (P-compositionality: a history is linearizable
// exactly if its part for each object is). Spec: raft-tests.md part III. Hot path.
//
//   place the first operations in order of call; an operation can be next if it was called before the
//   earliest return among those not placed yet; a state that was seen before is not tried again

import type { RegisterOperation } from "./history.ts";
import { SearchState } from "./search-state.ts";

const DEFAULT_STEP_LIMIT = 20_000_000;

/** What is known of a history. `key` is where it fails, or where the search was given up. */
export type Verdict =
  | { readonly kind: "linearizable" }
  | { readonly kind: "not-linearizable"; readonly key: number; readonly stuck: RegisterOperation }
  | { readonly kind: "undecided"; readonly key: number };

/**
 * Looks for an order of the operations in which every read sees the last write before it and nothing
 * takes effect before it was called or after it had returned. Keys are judged one by one.
 *
 * `stepLimit` operations are tried for one key before the search is given up: 20 million by default.
 */
export function checkLinearizable(
  operations: readonly RegisterOperation[],
  options: { readonly stepLimit?: number } = {},
): Verdict {
  const byKey = Map.groupBy(operations, ({ key }) => key);
  for (const [key, ofKey] of byKey) {
    const outcome = searchKey(ofKey, options.stepLimit ?? DEFAULT_STEP_LIMIT);
    if (outcome === "undecided") return { kind: "undecided", key };
    if (outcome !== null) return { kind: "not-linearizable", key, stuck: outcome };
  }
  return { kind: "linearizable" };
}

interface Choice {
  readonly position: number;
  readonly valueBefore: number | null;
}

// Null if there is an order; otherwise the operation that could not be placed in the longest attempt.
function searchKey(
  operations: readonly RegisterOperation[],
  stepLimit: number,
): RegisterOperation | "undecided" | null {
  const known = operations.filter((one) => one.return !== null).toSorted((a, b) => a.call - b.call);
  // Without an answer a read says nothing, and whatever else happened need not have happened.
  const unknown = operations.filter((one) => one.return === null && one.f !== "read");
  const all = [...known, ...unknown.toSorted((a, b) => a.call - b.call)];
  const state = new SearchState(known.length, all.length);
  const choices: Choice[] = [];
  let longest = -1;
  let stuck: RegisterOperation | null = null;
  let candidate = state.base;
  let steps = 0;

  while (state.placedCount < known.length) {
    const deadline = earliestReturn(known, state);
    const next = findNext(all, known.length, state, candidate, deadline);
    steps += next.tried;
    if (steps > stepLimit) return "undecided";
    if (next.position >= 0) {
      choices.push({ position: next.position, valueBefore: next.valueBefore });
      candidate = state.base;
      continue;
    }
    if (state.placedCount > longest) {
      longest = state.placedCount;
      stuck = known[state.base] ?? null;
    }
    const undone = choices.pop();
    if (undone === undefined) return stuck;
    state.remove(undone.position, undone.valueBefore);
    candidate = undone.position + 1;
  }
  return null;
}

/** Nothing that was called after this moment can be next. */
function earliestReturn(known: readonly RegisterOperation[], state: SearchState): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (let i = state.base; i < known.length; i++) {
    const { call, return: end } = known[i]!;
    if (call > earliest) break;
    if (!state.has(i) && end !== null && end < earliest) earliest = end;
  }
  return earliest;
}

// Places the first operation from `start` on that can be next and leads to a new state.
function findNext(
  all: readonly RegisterOperation[],
  knownCount: number,
  state: SearchState,
  start: number,
  deadline: number,
): { readonly position: number; readonly valueBefore: number | null; readonly tried: number } {
  const valueBefore = state.value;
  let tried = 1;
  for (let i = start; i < all.length; i++) {
    const operation = all[i]!;
    if (operation.call > deadline) {
      if (i >= knownCount) break;
      i = knownCount - 1; // the rest of the known ones was called later still
      continue;
    }
    if (state.has(i)) continue;
    tried++;
    const after = step(valueBefore, operation);
    if (after === undefined) continue;
    if (state.place(i, after)) return { position: i, valueBefore, tried };
  }
  return { position: -1, valueBefore, tried };
}

/** The value after an operation; undefined if it cannot have had that outcome. */
function step(value: number | null, { f, arg, out }: RegisterOperation): number | null | undefined {
  if (f === "read") return out === value ? value : undefined;
  if (f === "write") return typeof arg === "number" ? arg : undefined;
  if (arg === null || typeof arg === "number") return undefined;
  const [expected, replacement] = arg;
  // Without effect an operation that saw no answer need not be placed.
  if (value !== expected) return out === false ? value : undefined;
  return out === false ? undefined : replacement;
}
