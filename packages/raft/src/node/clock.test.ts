import { expect, test } from "vitest";
import { systemClock } from "./clock.ts";

test("the system clock calls back no sooner than asked, and not at all when cancelled", async () => {
  const calls: string[] = [];
  const started = systemClock.now();
  const cancel = systemClock.after(0, () => calls.push("cancelled"));
  cancel();

  await new Promise<void>((resolve) => systemClock.after(2, resolve));

  expect(systemClock.now() - started).toBeGreaterThanOrEqual(1);
  expect(calls).toEqual([]);
});

test("what is deferred runs after what was resolved in this turn", async () => {
  const order: string[] = [];

  const deferred = new Promise<void>((resolve) => {
    systemClock.defer(() => {
      order.push("deferred");
      resolve();
    });
  });
  await Promise.resolve().then(() => order.push("resolved"));
  await deferred;

  expect(order).toEqual(["resolved", "deferred"]);
});
