// Members of etcd 2.x come and go, and the others follow: no rule is broken, and the cluster always finds
// a leader; thousands of seeds run by `test:sim`.

import { expect, test } from "vitest";
import type { NodeOptions } from "../node/index.ts";
import { Coverage } from "./coverage.ts";
import { simulate } from "./simulation.ts";

const SEED_COUNT = 120;

test("profiles follow the programs that run, in both directions, without harm", async () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const { violation, coverage: ofSeed } = await simulate({ seed, profile: "rolling" });
    coverage.add(ofSeed);
    expect({ seed, violation }).toStrictEqual({ seed, violation: null });
  }

  const needed = [
    "programReplaced",
    "profileToModern",
    "profileToEtcd2",
    "preVoteAtEtcd2Rules",
    "messageNotForEtcd2",
  ];
  const counts = coverage.toRecord();
  expect(needed.filter((kind) => counts[kind] === 0)).toStrictEqual([]);
});

/** Begins with all rules, whoever is there, and follows only changes of the company. */
const rash = (parts: NodeOptions): NodeOptions => ({ ...parts, raft: { ...parts.raft, compat: "modern" } });

test("a member that begins with all of the rules, unlike a sound one, can keep a cluster without leader", async () => {
  const broken: string[] = [];
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const { violation } = await simulate({ seed, profile: "rolling", wrap: rash });
    if (violation !== null) broken.push(violation.invariant);
  }

  expect(broken).toContain("liveness");
});
