// Samples of one operation, the programs by turns.

import { startMeter } from "./meter.ts";
import type { CpuUse } from "./meter.ts";
import { fill, planOf, removeAll } from "./operations.ts";
import type { Operation } from "./operations.ts";
import { programsOf } from "./scenarios.ts";
import type { Program, Scenario } from "./scenarios.ts";
import { startServer } from "./servers.ts";
import type { Server } from "./servers.ts";
import { runWrk } from "./wrk.ts";
import type { Sample } from "./wrk.ts";

/** One sample of one program. Samples of the same round were taken one right after the other. */
export interface Measurement extends Scenario, Sample, CpuUse {
  readonly program: Program;
  readonly round: number;
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** The CPUs for servers and load generator, as taskset takes them; null: all. */
  readonly cpus: string | null;
  readonly floor: boolean;
}

/** The load that compiles and caches what the samples use, before them. */
const WARM_UP = { connectionsMax: 64, seconds: 3 };

let directoryCount = 0;

/**
 * All samples of one operation and cluster size, from new servers: what the operation leaves in memory or on
 * disk burdens no other.
 */
export async function measureOperation(
  operation: Operation,
  members: number,
  connectionCounts: readonly number[],
  options: MeasureOptions,
): Promise<readonly Measurement[]> {
  await using servers = new AsyncDisposableStack();
  const started = new Map<Program, Server>();
  for (const program of programsOf(operation, 0, options)) {
    const server = servers.use(await startServer(program, { members, cpus: options.cpus }));
    started.set(program, server);
    if (program !== "floor") await fill(await server.url(), operation);
    const connections = Math.min(WARM_UP.connectionsMax, Math.max(...connectionCounts));
    await sample(server, { members, operation, connections }, { ...options, seconds: WARM_UP.seconds });
  }

  const taken: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const connections of connectionCounts) {
      const scenario = { members, operation, connections };
      for (const program of programsOf(operation, round, options)) {
        const server = started.get(program);
        if (server === undefined) throw new Error(`${program} was not started`);
        taken.push({ ...scenario, program, round, ...(await sample(server, scenario, options)) });
      }
    }
  }
  return taken;
}

/** One run of wrk; what it made is removed after it. */
async function sample(
  server: Server,
  { operation, connections }: Scenario,
  { seconds, cpus }: MeasureOptions,
): Promise<Sample & CpuUse> {
  const url = await server.url();
  const directory = `/bench-sample-${directoryCount++}`;
  const load = { operation, connections, seconds, directory, cpus };
  const seen = await runWrk(url, load, (wrkPid) => startMeter(server.pids, wrkPid));
  if (planOf(operation).grows) await removeAll(url, directory);
  return seen;
}
