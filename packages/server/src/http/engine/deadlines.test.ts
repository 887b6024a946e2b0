import { expect, test } from "vitest";
import { Deadlines, SWEEP_INTERVAL_MS } from "./deadlines.ts";
import { ManualClock } from "../testing/manual-clock.ts";

class Item {
  expiredCount = 0;
  expire(): void {
    this.expiredCount++;
  }
}

test("who is late expires once, at the first look behind the deadline; who is cleared does not", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const [early, late, cleared] = [new Item(), new Item(), new Item()];
  deadlines.set(early, 1_000);
  deadlines.set(late, 2_000);
  deadlines.set(cleared, 1_000);
  deadlines.clear(cleared);

  clock.advance(999);
  expect([early.expiredCount, late.expiredCount]).toEqual([0, 0]);
  clock.advance(SWEEP_INTERVAL_MS);
  expect([early.expiredCount, late.expiredCount]).toEqual([1, 0]);
  clock.advance(5_000);

  expect([early.expiredCount, late.expiredCount, cleared.expiredCount]).toEqual([1, 1, 0]);
});

test("any number of deadlines needs one timer, and none needs none", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const items = Array.from({ length: 1_000 }, () => new Item());

  for (const item of items) deadlines.set(item, 1_000);
  expect(clock.timerCount).toBe(1);
  for (const item of items) deadlines.clear(item);
  clock.advance(SWEEP_INTERVAL_MS);
  expect(clock.timerCount).toBe(0);
});

test("an item that asks for more time gets it", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  let leftCount = 2;
  let expiredCount = 0;
  const item = {
    expire(): void {
      expiredCount++;
      if (leftCount-- > 0) deadlines.set(item, 1_000);
    },
  };
  deadlines.set(item, 1_000);

  clock.advance(10_000);

  expect(expiredCount).toBe(3);
  expect(deadlines.has(item)).toBe(false);
});

test("closing forgets items and stops the timer", () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const item = new Item();
  deadlines.set(item, 1_000);

  deadlines.close();
  clock.advance(5_000);

  expect([item.expiredCount, clock.timerCount]).toEqual([0, 0]);
});
