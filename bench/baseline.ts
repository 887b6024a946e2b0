// The part of a result that is kept and compared: ratios to etcd, which mean something on any machine, and for
// those who know the machine CPU time per request.

import type { Outcome } from "./report.ts";
import type { FanOutOutcome } from "./watchers.ts";

/** Where and with what a result came about. */
export interface Machine {
  readonly cpu: string;
  readonly cpuCount: number;
  readonly node: string;
  readonly etcd: string;
}

/** One scenario. Ratios are kvd divided by etcd. For `watch` connections are watchers, requests deliveries. */
export interface BaselineEntry {
  readonly members: number;
  readonly operation: string;
  readonly connections: number;
  readonly rateRatio: number;
  readonly cpuRatio: number;
  readonly cpuMicroseconds: { readonly etcd: number; readonly kvd: number };
}

export interface Baseline {
  readonly machine: Machine;
  readonly entries: readonly BaselineEntry[];
}

export function baselineOf(
  machine: Machine,
  outcomes: readonly Outcome[],
  fanOuts: readonly FanOutOutcome[],
): Baseline {
  const requests = outcomes.map(({ members, operation, connections, rateRatio, cpuRatio, etcd, kvd }) => ({
    members,
    operation,
    connections,
    rateRatio: rounded(rateRatio),
    cpuRatio: rounded(cpuRatio),
    cpuMicroseconds: { etcd: rounded(etcd.cpuPerRequest), kvd: rounded(kvd.cpuPerRequest) },
  }));
  const watches = fanOuts.map(({ watchers, rateRatio, cpuRatio, etcd, kvd }) => ({
    members: 1,
    operation: "watch",
    connections: watchers,
    rateRatio: rounded(rateRatio),
    cpuRatio: rounded(cpuRatio),
    cpuMicroseconds: {
      etcd: rounded((etcd.cpuSeconds * 1e6) / watchers),
      kvd: rounded((kvd.cpuSeconds * 1e6) / watchers),
    },
  }));
  return { machine, entries: [...requests, ...watches] };
}

/** Three digits: no measurement here is worth more, and a baseline is read in diffs. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
