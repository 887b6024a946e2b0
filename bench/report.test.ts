import { expect, test } from "vitest";
import type { Measurement } from "./measure.ts";
import { median } from "./median.ts";
import { outcomesOf } from "./report.ts";

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10],
  [[], Number.NaN],
])("the median of %j is %d", (values, expected) => {
  expect(median(values)).toBe(expected);
});

test("the ratio is the median of the rounds, not the ratio of the medians", () => {
  const outcomes = outcomesOf([
    ...round(0, { etcd: 100, kvd: 200 }),
    ...round(1, { etcd: 1000, kvd: 1000 }), // a quiet machine for both
    ...round(2, { etcd: 10, kvd: 30 }), // a busy one for both
  ]);

  expect(outcomes).toHaveLength(1);
  expect(outcomes[0]).toMatchObject({ rateRatio: 2, etcd: { rate: 100 }, kvd: { rate: 200 }, floor: null });
});

test("rounds are paired by number, in whatever order they were taken", () => {
  const [etcd0, kvd0] = round(0, { etcd: 100, kvd: 200 });
  const [etcd1, kvd1] = round(1, { etcd: 1000, kvd: 2000 });

  expect(outcomesOf([etcd0, kvd0, kvd1, etcd1])[0]?.rateRatio).toBe(2);
});

test("rates count from the time measured, CPU time per request in microseconds", () => {
  const [etcd, kvd] = round(0, { etcd: 100, kvd: 100 });

  const [outcome] = outcomesOf([etcd, { ...kvd, seconds: 2, cpuSeconds: 0.02 }]);

  expect(outcome).toMatchObject({ rateRatio: 0.5, cpuRatio: 2, kvd: { rate: 50, cpuPerRequest: 200 } });
});

test("each number of members, operation and connections has an outcome of its own", () => {
  const samples = round(0, { etcd: 1, kvd: 1 });
  const other = (change: Partial<Measurement>) => samples.map((sample) => ({ ...sample, ...change }));

  const outcomes = outcomesOf([
    ...samples,
    ...other({ members: 3 }),
    ...other({ operation: "put" }),
    ...other({ connections: 1 }),
  ]);

  expect(outcomes).toHaveLength(4);
});

/** Samples of a second that took 10 ms of CPU time. */
function round(number: number, requests: { etcd: number; kvd: number }): [Measurement, Measurement] {
  const scenario = { members: 1, operation: "get", connections: 64 } as const;
  const sample = {
    ...scenario,
    round: number,
    seconds: 1,
    p50: 1,
    p99: 2,
    cpuSeconds: 0.01,
    foreignShare: 0,
  };
  return [
    { ...sample, program: "etcd", requests: requests.etcd },
    { ...sample, program: "kvd", requests: requests.kvd },
  ];
}
