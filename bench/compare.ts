// Compares the latest results with the recorded ones; exit status 1 when kvd has become worse beside etcd:
//
//   pnpm bench:compare [--against bench/baseline.json] [--json bench/results/latest.json]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Baseline } from "./baseline.ts";
import { compare, TOLERANCE } from "./comparison.ts";
import type { Change } from "./comparison.ts";

const { values: options } = parseArgs({
  options: {
    against: { type: "string", default: join(import.meta.dirname, "baseline.json") },
    json: { type: "string", default: join(import.meta.dirname, "results", "latest.json") },
  },
});

const baseline = readJson(options.against, "record it with: pnpm bench --record") as Baseline;
const { summary } = readJson(options.json, "run: pnpm bench") as { summary: Baseline };
const { comparedCount, unmatched, changes } = compare(baseline, summary);
const worse = changes.filter(({ isWorse }) => isWorse);

console.log(`baseline: ${JSON.stringify(baseline.machine)}\nlatest:   ${JSON.stringify(summary.machine)}\n`);
for (const change of changes) console.log(lineOf(change));
if (unmatched.length > 0) console.log(`not in both, not compared: ${unmatched.join("; ")}`);
console.log(
  `${comparedCount} scenarios compared, ${worse.length} figures worse by more than ${TOLERANCE * 100} % beside etcd.`,
);
process.exitCode = worse.length > 0 || comparedCount === 0 ? 1 : 0;

function lineOf({ what, isWorse, before, after }: Change): string {
  return `${isWorse ? "worse " : "better"}  ${what}, kvd ÷ etcd: ${before} before, ${after} now`;
}

function readJson(file: string, remedy: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} cannot be read; ${remedy}`, { cause: error });
  }
}
