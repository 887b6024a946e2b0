import { expect, test } from "vitest";
import { DurationHistogram, fastHistogram, slowHistogram } from "./metrics.ts";

test("a duration is counted in the first bucket that holds it, its bound included", () => {
  const histogram = new DurationHistogram([1, 2, 4]);

  for (const seconds of [0, 1, 1.5, 2, 3, 4, 5, 100]) histogram.observe(seconds);

  expect(histogram.counts).toStrictEqual([2, 2, 2, 2]);
  expect(histogram.sum).toBe(116.5);
});

test("buckets are etcd's", () => {
  expect(slowHistogram().bounds).toHaveLength(14);
  expect(slowHistogram().bounds.slice(0, 3)).toStrictEqual([0.001, 0.002, 0.004]);
  expect(slowHistogram().bounds.at(-1)).toBeCloseTo(8.192);
  expect(fastHistogram().bounds).toHaveLength(13);
  expect(fastHistogram().bounds.at(-1)).toBeCloseTo(2.048);
});
