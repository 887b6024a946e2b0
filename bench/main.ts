// kvd against etcd on this machine, in short samples by turns (design/performance.md §14):
//
//   pnpm bench [--members 1,3] [--operations get,put,qget] [--connections 1,64,256]
//              [--watchers 1000,10000] [--seconds 2] [--rounds 3] [--json bench/results/latest.json]
//
// Needs `etcd` (3.4 or older, for the v2 API) and `wrk` on PATH, and Linux.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { startCluster } from "../apps/kvd/test/harness/cluster.ts";
import type { TestCluster } from "../apps/kvd/test/harness/cluster.ts";
import { put } from "../apps/kvd/test/harness/keys.ts";
import { outputOf } from "../apps/kvd/test/harness/programs.ts";
import { serverCommand } from "../apps/kvd/test/harness/server-process.ts";
import type { Command } from "../apps/kvd/test/harness/server-process.ts";
import { cpuSeconds } from "./cpu-time.ts";
import { markdownTable, PROGRAMS, summarize } from "./report.ts";
import type { Measurement, Program, Scenario } from "./report.ts";
import { fanOutTable, measureFanOut } from "./watchers.ts";
import type { FanOut } from "./watchers.ts";
import { OPERATIONS, runWrk } from "./wrk.ts";

/** As many as load.lua reads and writes. */
const KEY_COUNT = 1_000;

const COMMANDS: Readonly<Record<Program, Command>> = {
  etcd: ["etcd", "--enable-v2=true"],
  kvd: serverCommand(),
};

const { values: options } = parseArgs({
  options: {
    members: { type: "string", default: "1,3" },
    operations: { type: "string", default: OPERATIONS.join(",") },
    connections: { type: "string", default: "1,64,256" },
    watchers: { type: "string", default: "1000,10000" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    json: { type: "string", default: join(import.meta.dirname, "results", "latest.json") },
  },
});

const measurements: Measurement[] = [];
for (const members of numbers(options.members)) measurements.push(...(await measureClusters(members)));

const fanOuts = await measureWatchers();

const rows = summarize(measurements);
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cpuCount: cpus().length,
  node: process.version,
  etcd: (await outputOf("etcd", ["--version"])).split("\n", 1)[0] ?? "",
};
mkdirSync(dirname(options.json), { recursive: true });
writeFileSync(
  options.json,
  `${JSON.stringify({ machine, options, rows, fanOuts, measurements }, null, 2)}\n`,
);
console.log(`\n${machine.etcd}, Node.js ${machine.node}, ${machine.cpuCount} × ${machine.cpu}`);
console.log(
  `Medians of ${options.rounds} samples of ${options.seconds} s; load generator on the same machine.\n`,
);
console.log(markdownTable(rows));
console.log(`\nOne write to many waiting clients of one member:\n\n${fanOutTable(fanOuts)}`);

/** Runs all scenarios of one cluster size, both programs by turns. */
async function measureClusters(members: number): Promise<readonly Measurement[]> {
  await using etcd = await startCluster(members, { command: COMMANDS.etcd });
  await using kvd = await startCluster(members, { command: COMMANDS.kvd });
  const clusters = { etcd, kvd };
  for (const program of PROGRAMS) await fill(clusters[program]);

  const taken: Measurement[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const scenario of scenarios(members)) {
      for (const program of PROGRAMS) taken.push(await measure(program, clusters[program], scenario));
    }
    console.error(`${members} members: round ${round + 1} of ${options.rounds}`);
  }
  return taken;
}

function scenarios(members: number): readonly Scenario[] {
  const operations = OPERATIONS.filter((operation) => options.operations.split(",").includes(operation));
  return operations.flatMap((operation) =>
    numbers(options.connections).map((connections) => ({ members, operation, connections })),
  );
}

/** One sample against the leader; the CPU time is that of all members. */
async function measure(program: Program, cluster: TestCluster, scenario: Scenario): Promise<Measurement> {
  const leader = await cluster.leader();
  const pids = cluster.members.map((member) => member.process.pid);
  const before = cpuSeconds(pids);
  const load = { connections: scenario.connections, seconds: Number(options.seconds) };
  const sample = await runWrk(leader.clientUrl, scenario.operation, load);
  return { ...scenario, ...sample, program, cpuSeconds: cpuSeconds(pids) - before };
}

/** New servers each, so that memory is that of the watchers alone. */
async function measureWatchers(): Promise<readonly FanOut[]> {
  const taken: FanOut[] = [];
  for (const count of numbers(options.watchers)) {
    for (const program of PROGRAMS) {
      await using cluster = await startCluster(1, { command: COMMANDS[program] });
      const member = await cluster.leader();
      const { pid } = member.process;
      taken.push(await measureFanOut(program, { clientUrl: member.clientUrl, pid }, count));
    }
  }
  return taken;
}

async function fill(cluster: TestCluster): Promise<void> {
  const { clientUrl } = await cluster.leader();
  for (let n = 0; n < KEY_COUNT; n++) await put(clientUrl, `/bench/${n}`, "v".repeat(64));
}

function numbers(list: string): readonly number[] {
  return list.split(",").map(Number);
}
