// From samples to a table: medians, and kvd against etcd.

import type { Operation, Sample } from "./wrk.ts";

/** The two programs that are compared. */
export const PROGRAMS = ["etcd", "kvd"] as const;
export type Program = (typeof PROGRAMS)[number];

/** What is measured: one operation from some connections against a cluster of some members. */
export interface Scenario {
  readonly members: number;
  readonly operation: Operation;
  readonly connections: number;
}

/** One sample with the CPU time that all members used during it. */
export interface Measurement extends Scenario, Sample {
  readonly program: Program;
  readonly cpuSeconds: number;
}

/** Medians of one scenario and program. Rates are per second, the rest microseconds. */
export interface Row extends Scenario {
  readonly program: Program;
  readonly rate: number;
  readonly cpuPerRequest: number;
  readonly p50: number;
  readonly p99: number;
}

/** Medians per scenario and program, in the order of the first samples. */
export function summarize(measurements: readonly Measurement[]): readonly Row[] {
  const groups = Map.groupBy(
    measurements,
    (m) => `${m.members} ${m.operation} ${m.connections} ${m.program}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { members, operation, connections, program } = first;
    const middle = (figure: (measurement: Measurement) => number) => median(group.map(figure));
    return [
      {
        members,
        operation,
        connections,
        program,
        rate: middle((m) => m.requests / m.seconds),
        cpuPerRequest: middle((m) => (m.cpuSeconds * 1e6) / m.requests),
        p50: middle((m) => m.p50),
        p99: middle((m) => m.p99),
      },
    ];
  });
}

/** A Markdown table with one line per scenario. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = [
    "| members | operation | connections | etcd /s | kvd /s | kvd ÷ etcd | etcd CPU µs | kvd CPU µs | etcd p50/p99 ms | kvd p50/p99 ms |",
    "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
  ];
  for (const etcd of rows.filter(({ program }) => program === "etcd")) {
    const kvd = rows.find((row) => row.program === "kvd" && isSameScenario(row, etcd));
    if (kvd === undefined) continue;
    const cells = [
      etcd.members,
      etcd.operation,
      etcd.connections,
      etcd.rate.toFixed(0),
      kvd.rate.toFixed(0),
      (kvd.rate / etcd.rate).toFixed(2),
      etcd.cpuPerRequest.toFixed(1),
      kvd.cpuPerRequest.toFixed(1),
      latencies(etcd),
      latencies(kvd),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}

function isSameScenario(a: Scenario, b: Scenario): boolean {
  return a.members === b.members && a.operation === b.operation && a.connections === b.connections;
}

function latencies({ p50, p99 }: Row): string {
  return `${(p50 / 1000).toFixed(2)}/${(p99 / 1000).toFixed(2)}`;
}

/** The middle value, or the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted.length >> 1;
  const high = sorted[upper] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[upper - 1] ?? Number.NaN) + high) / 2;
}
