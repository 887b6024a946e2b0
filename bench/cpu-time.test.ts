import { expect, test } from "vitest";
import { machineTime, processTime } from "./cpu-time.ts";
import { foreignShare } from "./meter.ts";

test("time of the machine counts all work once, and waiting for the disk as idle", () => {
  // user nice system idle iowait irq softirq steal guest guest_nice
  const stat = "cpu  1000 200 300 4000 500 60 70 80 900 100\ncpu0 1 2 3 4 5 6 7 8 9 10\n";

  expect(machineTime(stat)).toStrictEqual({ busySeconds: 17.1, totalSeconds: 62.1 });
});

test("times of a process are found behind a name with blanks and parentheses", () => {
  const stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 5 6 7 8 100 200 300 400 20 0 1 0 99";

  expect(processTime(stat)).toStrictEqual({ ownSeconds: 3, endedChildrenSeconds: 7 });
});

test("what neither server nor load generator used is foreign", () => {
  const from = { busySeconds: 10, totalSeconds: 100 };
  const to = { busySeconds: 13, totalSeconds: 104 };

  expect(foreignShare(from, to, 2)).toBe(0.25);
});

test("foreign load is not negative when the clocks disagree by a tick", () => {
  const from = { busySeconds: 10, totalSeconds: 100 };

  expect(foreignShare(from, { busySeconds: 12, totalSeconds: 104 }, 2.01)).toBe(0);
});
