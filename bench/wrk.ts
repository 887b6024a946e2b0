// One short run of wrk, the load generator, with load.lua.

import { outputOf } from "../apps/kvd/test/harness/programs.ts";

/** What clients do. `qget` is a read through the log. */
export const OPERATIONS = ["get", "put", "qget"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What wrk saw. Latencies are microseconds. */
export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

const THREADS_MAX = 2;

/** @throws {Error} when any request failed: such a sample means nothing. */
export async function runWrk(
  url: string,
  operation: Operation,
  load: { readonly connections: number; readonly seconds: number },
): Promise<Sample> {
  const { connections, seconds } = load;
  const threads = Math.min(THREADS_MAX, connections);
  const script = new URL("load.lua", import.meta.url).pathname;
  const words = `-t ${threads} -c ${connections} -d ${seconds}s -s ${script} ${url} -- ${operation}`.split(
    " ",
  );
  const output = await outputOf("wrk", words);
  const line = output.split("\n").find((candidate) => candidate.startsWith("{"));
  if (line === undefined) throw new Error(`wrk printed no figures:\n${output}`);
  const { requests, microseconds, errors, p50, p99 } = JSON.parse(line) as Record<string, number>;
  if (
    requests === undefined ||
    microseconds === undefined ||
    p50 === undefined ||
    p99 === undefined ||
    errors !== 0
  ) {
    throw new Error(`${errors} requests failed at ${url}:\n${output}`);
  }
  return { requests, seconds: microseconds / 1e6, p50, p99 };
}
