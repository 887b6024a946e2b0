// From samples to figures: medians of each program, and kvd against etcd.

import type { Measurement } from "./measure.ts";
import { median } from "./median.ts";
import type { Program, Scenario } from "./scenarios.ts";

/** Medians of one program. The rate is per second, latencies and CPU time are microseconds. */
export interface Figures {
  readonly rate: number;
  readonly cpuPerRequest: number;
  readonly p50: number;
  readonly p99: number;
  readonly foreignShare: number;
}

/** What came out of one scenario. The ratios are medians of those of the rounds, kvd divided by etcd. */
export interface Outcome extends Scenario {
  readonly rateRatio: number;
  readonly cpuRatio: number;
  readonly etcd: Figures;
  readonly kvd: Figures;
  /** Null where it was not measured. */
  readonly floor: Figures | null;
}

/** The outcome of each scenario, in the order of the first samples. */
export function outcomesOf(measurements: readonly Measurement[]): readonly Outcome[] {
  const scenarios = Map.groupBy(measurements, (m) => `${m.members} ${m.operation} ${m.connections}`);
  return [...scenarios.values()].map(outcomeOf);
}

/** Rounds of two programs side by side: the median of what `figure` is for kvd divided by what it is for etcd. */
export function medianRatio<T extends { readonly program: Program; readonly round: number }>(
  samples: readonly T[],
  figure: (sample: T) => number,
): number {
  const ofEtcd = new Map(samples.filter((s) => s.program === "etcd").map((s) => [s.round, figure(s)]));
  const ofKvd = samples.filter((s) => s.program === "kvd");
  return median(ofKvd.map((sample) => figure(sample) / (ofEtcd.get(sample.round) ?? Number.NaN)));
}

function outcomeOf(samples: readonly Measurement[]): Outcome {
  const [first] = samples;
  if (first === undefined) throw new Error("a scenario without samples");
  const { members, operation, connections } = first;
  const of = (program: Program) => samples.filter((sample) => sample.program === program);
  const floor = of("floor");
  return {
    members,
    operation,
    connections,
    rateRatio: medianRatio(samples, rate),
    cpuRatio: medianRatio(samples, cpuPerRequest),
    etcd: figuresOf(of("etcd")),
    kvd: figuresOf(of("kvd")),
    floor: floor.length === 0 ? null : figuresOf(floor),
  };
}

function figuresOf(samples: readonly Measurement[]): Figures {
  const middle = (figure: (sample: Measurement) => number) => median(samples.map(figure));
  return {
    rate: middle(rate),
    cpuPerRequest: middle(cpuPerRequest),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    foreignShare: middle((sample) => sample.foreignShare),
  };
}

function rate({ requests, seconds }: Measurement): number {
  return requests / seconds;
}

function cpuPerRequest({ cpuSeconds, requests }: Measurement): number {
  return (cpuSeconds * 1e6) / requests;
}
