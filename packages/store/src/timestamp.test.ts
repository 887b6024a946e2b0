import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

const CASES: readonly [text: string, nanos: bigint][] = [
  ["1970-01-01T00:00:00Z", 0n],
  ["2000-02-29T23:59:59.5Z", 951_868_799_500_000_000n],
  ["2026-07-01T12:30:45.123456789Z", 1_782_909_045_123_456_789n],
  ["1969-12-31T23:59:59.999999999Z", -1n],
  ["1677-09-21T00:12:43.145224192Z", INT64.min],
  ["2262-04-11T23:47:16.854775807Z", INT64.max],
];

test.each(CASES)("%s is printed and read exactly", (text, nanos) => {
  expect(formatTimestamp(nanos)).toBe(text);
  expect(parseTimestamp(text)).toBe(nanos);
});

test("a zone offset is taken into account", () => {
  expect(parseTimestamp("2026-07-01T14:30:45.5+02:00")).toBe(parseTimestamp("2026-07-01T12:30:45.5Z"));
  expect(parseTimestamp("2026-07-01T07:00:45.5-05:30")).toBe(parseTimestamp("2026-07-01T12:30:45.5Z"));
});

test.each([
  "",
  "2026-07-01",
  "2026-07-01T12:30:45",
  "2026-07-01T12:30:45.1234567890Z",
  "x2026-07-01T12:30:45Z",
])("%j is no instant", (text) => {
  expect(parseTimestamp(text)).toBeNull();
});

test("every 64-bit instant survives printing and reading", () => {
  fc.assert(
    fc.property(fc.bigInt(INT64), (nanos) => {
      expect(parseTimestamp(formatTimestamp(nanos))).toBe(nanos);
    }),
  );
});

test("whole seconds are the same day and time as the platform's calendar has", () => {
  fc.assert(
    fc.property(fc.integer({ min: -9_000_000_000, max: 9_000_000_000 }), (seconds) => {
      const expected = new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
      expect(formatTimestamp(BigInt(seconds) * 1_000_000_000n)).toBe(expected);
    }),
  );
});
