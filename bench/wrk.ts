// One short run of wrk, the load generator, with load.lua.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { allWaiting, openGate } from "./gate.ts";
import type { Operation } from "./operations.ts";
import { pinned } from "./pinned.ts";

const run = promisify(execFile);

/** What to send, from how many connections, for how long. */
export interface Load {
  readonly operation: Operation;
  readonly connections: number;
  readonly seconds: number;
  /** Where operations that make new keys make them. */
  readonly directory: string;
  /** The CPUs wrk may use, as taskset takes them; null: all. */
  readonly cpus: string | null;
}

/** What wrk saw after the start. Latencies are microseconds. */
export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

const THREADS_MAX = 2;

/** A run is ended by a signal; this only ends one that nobody ends. */
const DURATION_MAX_SECONDS = 300;

/** Slower answers count as failures. */
const TIMEOUT_SECONDS = 20;

/**
 * Runs wrk. `onStart` is called with its process id when the load is about to begin, the function that it gives
 * when wrk has ended.
 *
 * @throws {Error} when any request failed: such a sample means nothing.
 */
export async function runWrk<T>(
  url: string,
  load: Load,
  onStart: (pid: number) => () => T,
): Promise<Sample & T> {
  const running = run(...pinned(load.cpus, "wrk", wrkWords(url, load)));
  const { child } = running;
  const endedEarly = running.then(({ stdout }) => {
    throw new Error(`wrk ended before the load began:\n${stdout}`);
  });
  try {
    await Promise.race([allWaiting(url, load.connections), endedEarly]);
    const onEnd = onStart(child.pid ?? 0);
    await openGate(url);
    await delay(load.seconds * 1_000);
    child.kill("SIGINT");
    const { stdout } = await running;
    return { ...onEnd(), ...sampleOf(stdout) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function wrkWords(url: string, load: Load): readonly string[] {
  const threads = Math.min(THREADS_MAX, load.connections);
  if (load.connections % threads !== 0) throw new Error(`${load.connections} connections: must be 1 or even`);
  const flags = `-t ${threads} -c ${load.connections} -d ${DURATION_MAX_SECONDS}s --timeout ${TIMEOUT_SECONDS}s`;
  const script = join(import.meta.dirname, "load.lua");
  const scriptWords = [load.operation, `${load.connections}`, `${threads}`, load.directory];
  return [...flags.split(" "), "-s", script, url, "--", ...scriptWords];
}

function sampleOf(output: string): Sample {
  const line = output.split("\n").find((candidate) => candidate.startsWith("{"));
  if (line === undefined) throw new Error(`wrk printed no figures:\n${output}`);
  const { errors, ...sample } = JSON.parse(line) as Sample & { readonly errors: number };
  if (errors !== 0) throw new Error(`${errors} of ${sample.requests} requests failed:\n${output}`);
  if (sample.requests === 0) throw new Error(`no request was answered:\n${output}`);
  return sample;
}
