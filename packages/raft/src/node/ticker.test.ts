import { expect, test } from "vitest";
import { ManualClock } from "./cluster.test.support.ts";
import { Ticker } from "./ticker.ts";

function ticker(clock: ManualClock): Ticker {
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

test("a stopped ticker has no timer", () => {
  const clock = new ManualClock();
  const ticks = ticker(clock);

  ticks.stop();

  expect(clock.timerCount).toBe(0);
});
