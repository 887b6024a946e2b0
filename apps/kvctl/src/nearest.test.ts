import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countSlips, nearest } from "./nearest.ts";

test.each([
  ["get", "get", 0],
  ["gett", "get", 1],
  ["gte", "get", 1],
  ["ge", "get", 1],
  ["gat", "get", 1],
  ["", "get", 3],
  ["get", "", 3],
  ["lst", "list", 1],
  ["recusrive", "recursive", 1],
  ["abcdef", "badcfe", 3],
  ["ca", "abc", 3], // transposed letters stay next to each other
])("%j and %j: %i", (a, b, slips) => {
  expect(countSlips(a, b)).toBe(slips);
});

test("slips are the same both ways, and never more than the longer word has letters", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const slips = countSlips(a, b);
      expect(slips).toBe(countSlips(b, a));
      expect(slips).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(slips).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(slips === 0).toBe(a === b);
    }),
  );
});

test.each([
  ["gett", "get"],
  ["se", "set"],
  ["exec-wtach", "exec-watch"],
  ["clusterhealth", "cluster-health"],
  ["x", null],
  ["upgrade", null],
  ["sat", "set"],
  ["", null],
  ["s".repeat(1_000_000), null],
])("%j means %j", (word, meant) => {
  expect(nearest(word, ["get", "set", "exec-watch", "cluster-health", "update"])).toBe(meant);
});
