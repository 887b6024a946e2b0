import { expect, test } from "vitest";
import { every, systemClock } from "./clock.ts";
import { ManualClock } from "./server.test.support.ts";

test("wall-clock nanoseconds never repeat within a millisecond, and stay with the machine's clock", () => {
  const before = BigInt(Date.now()) * 1_000_000n;

  const seen = Array.from({ length: 1_000 }, () => systemClock.unixNanos());

  expect(new Set(seen).size).toBe(1_000);
  expect(seen).toEqual(seen.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(seen[0]! >= before).toBe(true);
  expect(seen.at(-1)! < BigInt(Date.now() + 1) * 1_000_000n).toBe(true);
});

test("an interval goes on until it is cancelled, also from within", () => {
  const clock = new ManualClock();
  let count = 0;
  const cancel = every(clock, 100, () => {
    count++;
    if (count === 3) cancel();
  });

  clock.advance(250);
  expect(count).toBe(2);
  clock.advance(1_000);
  expect(count).toBe(3);
});
