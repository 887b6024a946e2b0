// Outcomes as a table in Markdown.

import type { Figures, Outcome } from "./report.ts";

interface Column {
  readonly title: string;
  readonly cell: (outcome: Outcome) => string;
  readonly isText?: true;
}

const COLUMNS: readonly Column[] = [
  { title: "members", cell: ({ members }) => `${members}` },
  { title: "operation", cell: ({ operation }) => operation, isText: true },
  { title: "connections", cell: ({ connections }) => `${connections}` },
  { title: "etcd /s", cell: ({ etcd }) => etcd.rate.toFixed(0) },
  { title: "kvd /s", cell: ({ kvd }) => kvd.rate.toFixed(0) },
  { title: "kvd ÷ etcd", cell: ({ rateRatio }) => rateRatio.toFixed(2) },
  { title: "etcd CPU µs", cell: ({ etcd }) => etcd.cpuPerRequest.toFixed(1) },
  { title: "kvd CPU µs", cell: ({ kvd }) => kvd.cpuPerRequest.toFixed(1) },
  { title: "etcd p50/p99 ms", cell: ({ etcd }) => latencies(etcd) },
  { title: "kvd p50/p99 ms", cell: ({ kvd }) => latencies(kvd) },
  {
    title: "foreign load etcd/kvd",
    cell: ({ etcd, kvd }) => `${percent(etcd.foreignShare)}/${percent(kvd.foreignShare)}`,
  },
];

const FLOOR_COLUMNS: readonly Column[] = [
  { title: "floor /s", cell: ({ floor }) => floor?.rate.toFixed(0) ?? "" },
  { title: "floor CPU µs", cell: ({ floor }) => floor?.cpuPerRequest.toFixed(1) ?? "" },
];

/** One line per scenario; columns of the floor when it was measured anywhere. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  const hasFloor = outcomes.some(({ floor }) => floor !== null);
  const columns = hasFloor ? [...COLUMNS, ...FLOOR_COLUMNS] : COLUMNS;
  return [
    columns.map(({ title }) => title),
    columns.map(({ isText }) => (isText ? "---" : "---:")),
    ...outcomes.map((outcome) => columns.map(({ cell }) => cell(outcome))),
  ]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function latencies({ p50, p99 }: Figures): string {
  return `${(p50 / 1000).toFixed(2)}/${(p99 / 1000).toFixed(2)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
