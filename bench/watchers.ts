// What a waiting long poll costs, and how long one write takes to reach all of them.

import { readFileSync } from "node:fs";
import { put } from "../apps/kvd/test/harness/keys.ts";
import { openWatchers } from "../apps/kvd/test/harness/watchers.ts";
import { cpuSeconds } from "./cpu-time.ts";
import { median } from "./median.ts";
import { medianRatio } from "./report.ts";
import type { Program } from "./scenarios.ts";
import type { Server } from "./servers.ts";

/** One write to many waiting clients of one member. Times are milliseconds after the write was sent. */
export interface FanOut {
  readonly program: Program;
  readonly round: number;
  readonly watchers: number;
  /** Growth of the server's resident memory by one waiting client. */
  readonly bytesPerWatcher: number;
  readonly answeredMs: number;
  readonly lastDeliveryMs: number;
  /** CPU time of the server from the write to the last delivery. */
  readonly cpuSeconds: number;
}

/** kvd divided by etcd, medians of the rounds; the rate is that of the deliveries. */
export interface FanOutOutcome {
  readonly watchers: number;
  readonly rateRatio: number;
  readonly cpuRatio: number;
  readonly etcd: FanOutFigures;
  readonly kvd: FanOutFigures;
}

/** Medians of one program. */
export type FanOutFigures = Pick<FanOut, "bytesPerWatcher" | "answeredMs" | "lastDeliveryMs" | "cpuSeconds">;

/** Lets `count` clients wait at a server of one process, then writes once. */
export async function measureFanOut(
  server: Server,
  count: number,
): Promise<Omit<FanOut, "program" | "round">> {
  const url = await server.url();
  const path = `/watched-${count}`;
  const before = residentBytes(server.pids);
  using watchers = await openWatchers(url, path, count);
  const bytesPerWatcher = (residentBytes(server.pids) - before) / count;
  const cpuBefore = cpuSeconds(server.pids);
  const start = performance.now();
  const answered = put(url, path, "v".repeat(64)).then(() => performance.now());
  const last = await watchers.delivered;
  return {
    watchers: count,
    bytesPerWatcher,
    answeredMs: (await answered) - start,
    lastDeliveryMs: last - start,
    cpuSeconds: cpuSeconds(server.pids) - cpuBefore,
  };
}

/** The outcome of each number of watchers. */
export function fanOutOutcomes(fanOuts: readonly FanOut[]): readonly FanOutOutcome[] {
  return [...Map.groupBy(fanOuts, ({ watchers }) => watchers)].map(([watchers, samples]) => ({
    watchers,
    rateRatio: medianRatio(samples, ({ lastDeliveryMs }) => 1 / lastDeliveryMs),
    cpuRatio: medianRatio(samples, (sample) => sample.cpuSeconds),
    etcd: figuresOf(samples.filter(({ program }) => program === "etcd")),
    kvd: figuresOf(samples.filter(({ program }) => program === "kvd")),
  }));
}

/** A table in Markdown. */
export function fanOutTable(outcomes: readonly FanOutOutcome[]): string {
  const head =
    "| watchers | program | KiB per watcher | write answered ms | last delivery ms | CPU µs per delivery |\n|---:|---|---:|---:|---:|---:|";
  const lines = outcomes.flatMap(({ watchers, ...programs }) =>
    (["etcd", "kvd"] as const).map((program) => {
      const figures = programs[program];
      const cells = [
        watchers,
        program,
        (figures.bytesPerWatcher / 1024).toFixed(1),
        figures.answeredMs.toFixed(1),
        figures.lastDeliveryMs.toFixed(0),
        ((figures.cpuSeconds * 1e6) / watchers).toFixed(1),
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  );
  return [head, ...lines].join("\n");
}

function figuresOf(samples: readonly FanOut[]): FanOutFigures {
  const middle = (figure: (sample: FanOut) => number) => median(samples.map(figure));
  return {
    bytesPerWatcher: middle((sample) => sample.bytesPerWatcher),
    answeredMs: middle((sample) => sample.answeredMs),
    lastDeliveryMs: middle((sample) => sample.lastDeliveryMs),
    cpuSeconds: middle((sample) => sample.cpuSeconds),
  };
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return sum + Number(kibibytes) * 1024;
  }, 0);
}
