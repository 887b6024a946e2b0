import { expect, test } from "vitest";
import { Wait } from "./wait.ts";

test("the one who waits gets the answer once, and nobody waits afterwards", async () => {
  const wait = new Wait<string, number>();
  const answer = wait.register(7, "asked", 0);

  const waiter = wait.take(7);
  waiter?.resolve(42);

  expect(waiter?.value).toBe("asked");
  expect(await answer).toBe(42);
  expect(wait.take(7)).toBeNull();
  expect(wait.size).toBe(0);
});

test("expiry takes those who have waited long enough and leaves the others", async () => {
  const wait = new Wait<string, number>();
  const early = wait.register(1, "early", 100);
  const late = wait.register(2, "late", 200);

  wait.expire(150, (waiter) => new Error(`${waiter.value} timed out`));

  await expect(early).rejects.toThrow("early timed out");
  expect(wait.size).toBe(1);
  wait.take(2)?.resolve(1);
  expect(await late).toBe(1);
});

test("an id cannot be waited for twice", async () => {
  const wait = new Wait<string, number>();
  const first = wait.register(1, "a", 0);

  expect(() => wait.register(1, "b", 0)).toThrow("already waited for");

  wait.rejectAll(() => new Error("stopped"));
  await expect(first).rejects.toThrow("stopped");
});
