import { expect, test } from "vitest";
import { Queue } from "./queue.ts";

test("a full queue takes nothing and keeps what it has", () => {
  const queue = new Queue<string>(2);

  expect([queue.push("a"), queue.push("b"), queue.push("c")]).toEqual([true, true, false]);

  const drained: string[] = [];
  queue.drain((item) => drained.push(item));
  expect(drained).toEqual(["a", "b"]);
  expect(queue.push("d")).toBe(true);
});

test("what arrives while the queue is drained waits for the next time", () => {
  const queue = new Queue<number>(10);
  queue.push(1);
  queue.push(2);
  const drained: number[] = [];

  queue.drain((item) => {
    drained.push(item);
    queue.push(item + 10);
  });

  expect(drained).toEqual([1, 2]);
  expect(queue.length).toBe(2);
  queue.drain((item) => drained.push(item));
  expect(drained).toEqual([1, 2, 11, 12]);
});
