import { expect, test } from "vitest";
import { Inflights } from "./inflights.ts";

function windowOf(indexes: readonly number[], maxCount: number): Inflights {
  const inflights = new Inflights(maxCount, 0);
  for (const index of indexes) inflights.add(index, 10);
  return inflights;
}

test.for([
  [0, 10],
  [1, 9],
  [5, 5],
  [10, 0],
  [99, 0],
] as const)("C-01: freeing through %i of ten leaves %i", ([index, left]) => {
  const inflights = windowOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10);
  expect(inflights.isFull()).toBe(true);

  inflights.freeThrough(index);

  expect(inflights.count).toBe(left);
});

test("C-01: a ring that wraps around frees the oldest first", () => {
  const inflights = windowOf([1, 2, 3, 4, 5], 5);

  inflights.freeThrough(3);
  for (const index of [6, 7, 8]) inflights.add(index, 10);
  expect(inflights.isFull()).toBe(true);

  inflights.freeThrough(6);
  expect(inflights.count).toBe(2);
  inflights.freeThrough(7);
  expect(inflights.count).toBe(1);
});

test("C-01: a ring that grows while it is wrapped keeps its order", () => {
  const inflights = windowOf([1, 2, 3, 4], 100);
  inflights.freeThrough(2);
  for (let index = 5; index <= 12; index++) inflights.add(index, 10);

  for (let index = 3; index <= 12; index++) {
    inflights.freeThrough(index);
    expect(inflights.count).toBe(12 - index);
  }
});

test("C-02: the ring grows as needed, and a full window takes nothing", () => {
  expect(windowOf([1, 2, 3], 256).slotCount).toBeLessThanOrEqual(4);
  expect(windowOf([], 256).slotCount).toBe(0);
  expect(windowOf([1, 2, 3, 4, 5], 5).slotCount).toBe(5);
  expect(() => windowOf([1, 2], 2).add(3, 10)).toThrow("full window");
});

test("C-03: a window is full when its bytes reach the limit, and freeing opens it", () => {
  const inflights = new Inflights(100, 100);
  inflights.add(1, 40);
  inflights.add(2, 40);
  expect(inflights.isFull()).toBe(false);

  inflights.add(3, 40);
  expect(inflights.isFull()).toBe(true);

  inflights.freeThrough(1);
  expect(inflights.isFull()).toBe(false);
  inflights.reset();
  expect([inflights.count, inflights.isFull()]).toEqual([0, false]);
});
