// prom-client as a printer: its metrics copy, when they are scraped, what others have counted in plain
// fields. `counter.inc` costs ten times as much as the field (docs/design/toolchain.md).

import type { DurationHistogram } from "@kv/server";
import { Counter, Gauge, Histogram } from "prom-client";
import type { MetricValueWithName, Registry } from "prom-client";

/** One line of a metric; without labels there is one line only. */
export interface Series<Value> {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
}

/** What a metric is called, and what Prometheus says about it. */
interface Description {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** A counter whose values `read` gives. */
export function addCounter(
  registry: Registry,
  description: Description,
  read: () => Iterable<Series<number>>,
): void {
  const counter: Counter = new Counter({
    ...description,
    registers: [registry],
    collect() {
      counter.reset();
      for (const { labels, value } of read()) counter.inc(labels, value);
    },
  });
}

/** A gauge without labels. */
export function addGauge(registry: Registry, description: Description, read: () => number): void {
  const gauge: Gauge = new Gauge({
    ...description,
    registers: [registry],
    collect() {
      gauge.set(read());
    },
  });
}

/** Histograms with the same buckets. */
export function addHistogram(
  registry: Registry,
  description: Description,
  read: () => readonly Series<DurationHistogram>[],
): void {
  registry.registerMetric(new MirroredHistogram(description, read));
}

/** A value without labels. */
export function single<Value>(value: Value): readonly Series<Value>[] {
  return [{ labels: {}, value }];
}

/** Prints the buckets of others; has none of its own. */
class MirroredHistogram extends Histogram {
  readonly #description: Description;
  readonly #read: () => readonly Series<DurationHistogram>[];

  constructor(description: Description, read: () => readonly Series<DurationHistogram>[]) {
    super({ ...description, registers: [] });
    this.#description = description;
    this.#read = read;
  }

  /** What the registry prints, and what `get` is made of. */
  async getForPromString() {
    const { name, help } = this.#description;
    const values = this.#read().flatMap((series) => linesOf(name, series));
    return { name, help, type: "histogram", aggregator: "sum", values };
  }
}

function linesOf(name: string, { labels, value }: Series<DurationHistogram>): MetricValueWithName<string>[] {
  let total = 0;
  const buckets = value.counts.map((count, at) => {
    total += count;
    const le = value.bounds[at] ?? "+Inf";
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: value.sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
