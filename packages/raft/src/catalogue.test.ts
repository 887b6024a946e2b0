// The catalogue of docs/spec/raft-tests.md against the names of the tests beside this file: each
// scenario is named by a test, or left to the simulator for a reason that stands here.

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const CATALOGUE = join(import.meta.dirname, "../../../docs/spec/raft-tests.md");
const SCENARIO_COUNT = 365;

/** What no test of this catalogue can show without the simulator, and why. */
const LEFT_TO_THE_SIMULATOR: ReadonlyMap<string, string> = new Map([
  [
    "J-44",
    "that acknowledged writes are lost with a lying disk shows only where a disk forgets and clients remember",
  ],
]);

function catalogue(): string[] {
  const [scenarios = ""] = readFileSync(CATALOGUE, "utf8").split("# Part II");
  const numbers = scenarios.matchAll(/\b([A-L]-\d\d)\. /g);
  return [...new Set([...numbers].map(([, number]) => number!))];
}

/** The scenarios that begin the name of a test: `"A-01: …"` or `"F-09, J-39: …"`. */
function namedScenarios(source: string): string[] {
  const prefixes = source.matchAll(/["'`]((?:[A-L]-\d\d(?:\([a-d]\))?(?:, )?)+): /g);
  return [...prefixes].flatMap(([, prefix]) => prefix!.match(/[A-L]-\d\d/g) ?? []);
}

const sources = globSync("**/*.test.ts", { cwd: import.meta.dirname }).map((file) =>
  readFileSync(join(import.meta.dirname, file), "utf8"),
);
const named = new Set(sources.flatMap(namedScenarios));

describe("the catalogue of scenarios", () => {
  test("is read whole", () => {
    expect(catalogue()).toHaveLength(SCENARIO_COUNT);
  });

  test("has a test for each scenario that is not left to the simulator", () => {
    const missing = catalogue().filter((number) => !named.has(number) && !LEFT_TO_THE_SIMULATOR.has(number));

    expect(missing).toEqual([]);
  });

  test("leaves nothing to the simulator that a test names", () => {
    expect([...LEFT_TO_THE_SIMULATOR.keys()].filter((number) => named.has(number))).toEqual([]);
  });

  test("contains every scenario that a test names", () => {
    const known = new Set(catalogue());

    expect([...named].filter((number) => !known.has(number))).toEqual([]);
  });
});
