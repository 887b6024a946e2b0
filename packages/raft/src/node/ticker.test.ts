import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { ManualClock } from "./cluster.test.support.ts";
import { Ticker } from "./ticker.ts";

function ticker(clock: Clock): Ticker {
  return new Ticker({ clock, tickMs: 100, maxDueCount: 5, onDue: () => undefined });
}

test("a timer that is always late loses no tick", () => {
  const clock = new ManualClock();
  const ticks = ticker(clock);
  let tickCount = 0;

  for (let i = 0; i < 20; i++) {
    clock.time += 150;
    clock.fireTimers();
    tickCount += ticks.takeDue();
  }

  expect(tickCount).toBe(30);
});

test("ticks that nobody took do not grow beyond the limit", () => {
  const clock = new ManualClock();
  const ticks = ticker(clock);

  for (let i = 0; i < 20; i++) {
    clock.time += 100;
    clock.fireTimers();
  }

  expect([ticks.takeDue(), ticks.takeDue()]).toEqual([5, 0]);
});

test("the next timer lies in the future, even when time passes while it is set", () => {
  const clock = new ManualClock();
  const delays: number[] = [];
  const ticks = ticker({
    now: () => (clock.time += 60),
    after: (delayMs, callback) => {
      delays.push(delayMs);
      return clock.after(delayMs, callback);
    },
    defer: () => undefined,
  });

  for (let i = 0; i < 20; i++) {
    clock.time += 100;
    clock.fireTimers();
  }
  ticks.stop();

  expect(delays.length).toBeGreaterThan(10);
  expect(delays.filter((delayMs) => delayMs <= 0)).toEqual([]);
});

test("a stopped ticker has no timer", () => {
  const clock = new ManualClock();
  const ticks = ticker(clock);

  ticks.stop();

  expect(clock.timerCount).toBe(0);
});
