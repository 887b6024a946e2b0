import { afterEach, expect, test } from "vitest";
import { formatDuration, formatLocalTime } from "./go-text.ts";

const zone = process.env["TZ"];

afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

test.each([
  [0, "0s"],
  [1, "1ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [59_999, "59.999s"],
  [60_000, "1m0s"],
  [678_829, "11m18.829s"],
  [3_600_000, "1h0m0s"],
  [90_061_500, "25h1m1.5s"],
])("%i ms print as %s", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test.each([
  ["UTC", 1_700_000_000_120, "2023-11-14T22:13:20.12Z"],
  ["UTC", 1_700_000_000_000, "2023-11-14T22:13:20Z"],
  ["Asia/Kolkata", 1_700_000_000_001, "2023-11-15T03:43:20.001+05:30"],
  ["America/St_Johns", 1_700_000_000_000, "2023-11-14T18:43:20-03:30"],
])("in %s, %i prints as %s", (name, unixMs, text) => {
  process.env["TZ"] = name;

  expect(formatLocalTime(unixMs)).toBe(text);
});
