// The cost of the core on this machine, beside the targets of raft.md §18:
//
//   pnpm --filter @kv/raft run bench                 print
//   pnpm --filter @kv/raft run bench --compare       and fail if anything is 20 % worse than baseline.json
//   pnpm --filter @kv/raft run bench --save          and make it the baseline
//
// A baseline is worth something on its own machine only; both print theirs.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { measureAll } from "./loads.mjs";
import { warmUp } from "./measure.mjs";

const BASELINE = join(import.meta.dirname, "baseline.json");
const TOLERANCE = 0.2;

const { values: options } = parseArgs({
  options: { compare: { type: "boolean" }, save: { type: "boolean" } },
});

/** Whether more is better. */
const isRate = (unit) => unit.endsWith("/s");

/** How much worse than before: 0.2 is 20 % fewer, or 20 % longer. */
function loss(result, before) {
  return isRate(result.unit) ? 1 - result.value / before.value : result.value / before.value - 1;
}

function rounded(value) {
  return value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function describe(result, before) {
  const isMet = isRate(result.unit) ? result.value >= result.target : result.value <= result.target;
  const against =
    before === undefined
      ? ""
      : `${((1 + (isRate(result.unit) ? -1 : 1) * loss(result, before)) * 100).toFixed(0)} %`;
  return [
    result.name.padEnd(42),
    rounded(result.value).padStart(11),
    result.unit.padEnd(12),
    (result.target === null ? "" : `target ${rounded(result.target)}`).padEnd(17),
    (result.target === null ? "" : isMet ? "met" : "missed").padEnd(7),
    (result.bytes === null ? "" : `${rounded(result.bytes)} B each`).padStart(14),
    against.padStart(7),
  ].join(" ");
}

const machine = { cpu: cpus()[0]?.model ?? "unknown", cpuCount: cpus().length, node: process.version };
warmUp();
const results = measureAll();
const baseline = options.compare
  ? JSON.parse(readFileSync(BASELINE, "utf8"))
  : { results: [], machine: null };
const findBefore = ({ name }) => baseline.results.find((result) => result.name === name);

process.stdout.write(
  `Node.js ${machine.node}, ${machine.cpuCount} × ${machine.cpu}; per second of CPU time\n`,
);
if (baseline.machine !== null) process.stdout.write(`baseline: ${JSON.stringify(baseline.machine)}\n`);
for (const result of results) process.stdout.write(`${describe(result, findBefore(result))}\n`);

if (options.save) writeFileSync(BASELINE, `${JSON.stringify({ machine, results }, null, 2)}\n`);
const worse = results.filter((result) => {
  const before = findBefore(result);
  return before !== undefined && loss(result, before) > TOLERANCE;
});
for (const { name } of worse) process.stdout.write(`more than ${TOLERANCE * 100} % worse: ${name}\n`);
if (worse.length > 0) process.exitCode = 1;
