import { expect, test } from "vitest";
import type { Baseline, BaselineEntry } from "./baseline.ts";
import { compare } from "./comparison.ts";

const GET: BaselineEntry = {
  members: 1,
  operation: "get",
  connections: 64,
  rateRatio: 2,
  cpuRatio: 0.4,
  cpuMicroseconds: { etcd: 40, kvd: 16 },
};

test("ratios that moved by a quarter at most are no change", () => {
  const latest = result({ ...GET, rateRatio: 1.5, cpuRatio: 0.5 });

  expect(compare(result(GET), latest)).toStrictEqual({ comparedCount: 1, unmatched: [], changes: [] });
});

test("a lower rate beside etcd is worse, a lower CPU time is better", () => {
  const latest = result({ ...GET, rateRatio: 1.49, cpuRatio: 0.29 });

  expect(compare(result(GET), latest).changes).toStrictEqual([
    { what: "get from 64 at 1 member: rate", isWorse: true, before: 2, after: 1.49 },
    { what: "get from 64 at 1 member: CPU time", isWorse: false, before: 0.4, after: 0.29 },
  ]);
});

test("a higher rate beside etcd is better, a higher CPU time is worse", () => {
  const latest = result({ ...GET, rateRatio: 2.51, cpuRatio: 0.51 });

  expect(compare(result(GET), latest).changes.map(({ isWorse }) => isWorse)).toStrictEqual([false, true]);
});

test("a slower machine with the same ratios is no change", () => {
  const latest = result({ ...GET, cpuMicroseconds: { etcd: 400, kvd: 160 } });

  expect(compare(result(GET), latest).changes).toStrictEqual([]);
});

test("scenarios are told apart by members and connections, and those of one side only are named", () => {
  const baseline = result(GET, { ...GET, members: 3, rateRatio: 1 });
  const latest = result({ ...GET, connections: 1, rateRatio: 0.1 }, { ...GET, members: 3, rateRatio: 1 });

  expect(compare(baseline, latest)).toStrictEqual({
    comparedCount: 1,
    unmatched: ["get from 64 at 1 member", "get from 1 at 1 member"],
    changes: [],
  });
});

test("a ratio that is not a number does not pass", () => {
  const latest = result({ ...GET, rateRatio: Number.NaN });

  expect(compare(result(GET), latest).changes).toHaveLength(1);
});

function result(...entries: readonly BaselineEntry[]): Baseline {
  return { machine: { cpu: "a", cpuCount: 2, node: "v26", etcd: "3.4" }, entries };
}
