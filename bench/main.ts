// kvd against etcd on this machine, in short samples by turns (design/performance.md §14):
//
//   pnpm bench [--members 1,3] [--operations get,put] [--connections 1,64] [--watchers 1000,10000] [--all]
//              [--seconds 1.5] [--rounds 5] [--floor] [--cpus 0] [--json bench/results/latest.json] [--record]
//
// Needs `etcd` (3.4 or older, for the v2 API) and `wrk` on PATH, and Linux. README.md says what the options mean.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { outputOf } from "../apps/kvd/test/harness/programs.ts";
import { baselineOf } from "./baseline.ts";
import type { Machine } from "./baseline.ts";
import { measureOperation } from "./measure.ts";
import type { Measurement } from "./measure.ts";
import { OPERATIONS } from "./operations.ts";
import type { Operation } from "./operations.ts";
import { outcomesOf } from "./report.ts";
import { programsOf, scenariosOf } from "./scenarios.ts";
import { startServer } from "./servers.ts";
import { outcomeTable } from "./table.ts";
import { fanOutOutcomes, fanOutTable, measureFanOut } from "./watchers.ts";
import type { FanOut } from "./watchers.ts";

const { values: options } = parseArgs({
  options: {
    members: { type: "string", default: "1,3" },
    operations: { type: "string" },
    connections: { type: "string" },
    watchers: { type: "string", default: "1000,10000" },
    all: { type: "boolean", default: false },
    seconds: { type: "string", default: "1.5" },
    rounds: { type: "string", default: "5" },
    floor: { type: "boolean", default: false },
    cpus: { type: "string" },
    json: { type: "string", default: join(import.meta.dirname, "results", "latest.json") },
    record: { type: "boolean", default: false },
  },
});

const rounds = number(options.rounds);
const pinnedTo = options.cpus ?? null;
const machine: Machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cpuCount: cpus().length,
  node: process.version,
  etcd: (await outputOf("etcd", ["--version"])).split("\n", 1)[0] ?? "",
};
const measurements = await measureAll();
const fanOuts = await measureFanOuts();

const outcomes = outcomesOf(measurements);
const watches = fanOutOutcomes(fanOuts);
const summary = baselineOf(machine, outcomes, watches);
writeJson(options.json, { options, summary, outcomes, watches, measurements, fanOuts });
if (options.record) writeJson(join(import.meta.dirname, "baseline.json"), summary);

console.log(`\n${machine.etcd}, Node.js ${machine.node}, ${machine.cpuCount} × ${machine.cpu}`);
console.log(
  `Medians of ${rounds} samples of ${options.seconds} s; load generator on ${pinnedTo === null ? "the same machine" : `the same CPU as the servers (${pinnedTo})`}.\n`,
);
console.log(outcomeTable(outcomes));
if (watches.length > 0)
  console.log(`\nOne write to many waiting clients of one member:\n\n${fanOutTable(watches)}`);

async function measureAll(): Promise<readonly Measurement[]> {
  const scenarios = scenariosOf({
    members: numbers(options.members),
    operations: options.operations === undefined ? null : operations(options.operations),
    connections: options.connections === undefined ? null : numbers(options.connections),
    all: options.all,
  });
  const measure = { rounds, seconds: number(options.seconds), cpus: pinnedTo, floor: options.floor };
  const taken: Measurement[] = [];
  for (const group of Map.groupBy(scenarios, (s) => `${s.operation}, members: ${s.members}`)) {
    const [name, [first, ...others]] = group;
    if (first === undefined) continue;
    const connections = [first, ...others].map((scenario) => scenario.connections);
    console.error(`${name}, connections: ${connections.join(", ")}`);
    taken.push(...(await measureOperation(first.operation, first.members, connections, measure)));
  }
  return taken;
}

/** New servers each, so that memory is that of the watchers alone. */
async function measureFanOuts(): Promise<readonly FanOut[]> {
  const taken: FanOut[] = [];
  for (const count of numbers(options.watchers)) {
    console.error(`watchers: ${count}`);
    for (let round = 0; round < rounds; round++) {
      for (const program of programsOf("put", round, { floor: false })) {
        await using server = await startServer(program, { members: 1, cpus: pinnedTo });
        taken.push({ program, round, ...(await measureFanOut(server, count)) });
      }
    }
  }
  return taken;
}

function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Names from the command line. */
function operations(list: string): readonly Operation[] {
  return list.split(",").map((name) => {
    const operation = OPERATIONS.find((candidate) => candidate === name);
    if (operation === undefined) throw new Error(`no operation ${name}; there are ${OPERATIONS.join(", ")}`);
    return operation;
  });
}

/** Numbers from the command line; an empty list is none. */
function numbers(list: string): readonly number[] {
  return list === "" ? [] : list.split(",").map(number);
}

function number(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${JSON.stringify(text)} is not a number above 0`);
  return value;
}
