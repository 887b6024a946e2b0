// Reads by lease under everything the simulator has, clocks as different as the lease bears; thousands of
// seeds run by `test:sim`. That these notice a broken lease is shown by the table of mutations.

import { expect, test } from "vitest";
import { simulate, type SimulationResult } from "./simulation.ts";

const SEED_COUNT = 200;

async function firstViolation(leaseTicks?: number): Promise<SimulationResult | null> {
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const result = await simulate({
      seed,
      profile: "lease",
      wrap: (parts) => (leaseTicks === undefined ? parts : { ...parts, raft: { ...parts.raft, leaseTicks } }),
    });
    if (result.violation !== null) return result;
  }
  return null;
}

test("reads by lease are linearizable", async () => {
  expect((await firstViolation())?.violation).toBeUndefined();
});

test("reads of a leader that trusts its lease as long as it leads are not", async () => {
  expect((await firstViolation(Number.POSITIVE_INFINITY))?.violation).toMatchObject({
    invariant: "linearizability",
  });
});
