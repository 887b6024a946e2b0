// A few seeds with every test run; thousands run by the package script `test:sim`.

import { expect, test } from "vitest";
import { Coverage, type Covered } from "./coverage.ts";
import { SIM_PROFILES } from "./profile.ts";
import { simulate } from "./simulation.ts";

const SEEDS = Array.from({ length: 100 }, (_, i) => 500_000 + i);

/** Too rare for so few seeds; `test:sim` demands them too. */
const RARE: readonly Covered[] = ["snapshotCutByCrash", "snapshotLost", "operationLost"];

test("no seed breaks a rule, and every kind of fault happens", async () => {
  const coverage = new Coverage();
  const broken: unknown[] = [];
  for (const seed of SEEDS) {
    const profile = SIM_PROFILES[seed % SIM_PROFILES.length]!;
    const { violation, coverage: ofSeed } = await simulate({ seed, profile });
    coverage.add(ofSeed);
    if (violation !== null) broken.push({ seed, profile, violation });
  }

  expect(broken).toStrictEqual([]);
  expect(coverage.missing().filter((kind) => !RARE.includes(kind))).toStrictEqual([]);
});

test.for(SIM_PROFILES)("a seed gives the same execution each time: %s", async (profile) => {
  const first = await simulate({ seed: 7, profile });
  const second = await simulate({ seed: 7, profile });

  expect(second.history).toStrictEqual(first.history);
  expect(second.stepCount).toBe(first.stepCount);
  expect(second.coverage.toRecord()).toStrictEqual(first.coverage.toRecord());
});

test("seeds differ", async () => {
  const first = await simulate({ seed: 7, profile: "modern" });
  const second = await simulate({ seed: 8, profile: "modern" });

  expect(second.history).not.toStrictEqual(first.history);
});

test("executions that run at the same time do not disturb each other", async () => {
  const alone = await simulate({ seed: 3, profile: "modern" });

  const [together] = await Promise.all([
    simulate({ seed: 3, profile: "modern" }),
    simulate({ seed: 4, profile: "etcd2" }),
  ]);

  expect(together.history).toStrictEqual(alone.history);
  expect(together.stepCount).toBe(alone.stepCount);
});
