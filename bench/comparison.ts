// Two results side by side. Loose on purpose: samples on a shared machine scatter, a real loss shows all the same.

import type { Baseline, BaselineEntry } from "./baseline.ts";

/** How far a ratio to etcd may move before it counts. */
export const TOLERANCE = 0.25;

/** A ratio of one scenario that moved further than that. */
export interface Change {
  /** Scenario and figure in words. */
  readonly what: string;
  readonly isWorse: boolean;
  readonly before: number;
  readonly after: number;
}

export interface Comparison {
  readonly comparedCount: number;
  /** Scenarios that only one of the two has. */
  readonly unmatched: readonly string[];
  readonly changes: readonly Change[];
}

export function compare(baseline: Baseline, latest: Baseline): Comparison {
  const before = new Map(baseline.entries.map((entry) => [nameOf(entry), entry]));
  const after = new Map(latest.entries.map((entry) => [nameOf(entry), entry]));
  const unmatched = [...before.keys(), ...after.keys()].filter(
    (name) => !before.has(name) || !after.has(name),
  );
  const changes: Change[] = [];
  let comparedCount = 0;
  for (const [name, entry] of after) {
    const old = before.get(name);
    if (old === undefined) continue;
    comparedCount++;
    changes.push(...changesOf(name, old, entry));
  }
  return { comparedCount, unmatched, changes };
}

function changesOf(name: string, before: BaselineEntry, after: BaselineEntry): readonly Change[] {
  const rate = { what: `${name}: rate`, before: before.rateRatio, after: after.rateRatio };
  const cpu = { what: `${name}: CPU time`, before: before.cpuRatio, after: after.cpuRatio };
  return [
    { ...rate, isWorse: rate.after < rate.before },
    { ...cpu, isWorse: cpu.after > cpu.before },
  ].filter((change) => !isWithin(change.before, change.after));
}

/** NaN and infinity are never within: a scenario that has no ratio any more must not pass. */
function isWithin(before: number, after: number): boolean {
  return after >= before * (1 - TOLERANCE) && after <= before * (1 + TOLERANCE);
}

function nameOf({ members, operation, connections }: BaselineEntry): string {
  return `${operation} from ${connections} at ${members} member${members === 1 ? "" : "s"}`;
}
