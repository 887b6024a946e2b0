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

test("those who join are taken out with the first, and counted", async () => {
  const wait = new Wait<string, number>();
  const answers = [wait.register(1, "first", 0), wait.join(1, "second", 5), wait.join(1, "third", 6)];
  expect(wait.size).toBe(3);

  const place = wait.take(1);
  place?.resolve(1);
  for (const [n, waiter] of (place?.joined ?? []).entries()) waiter.resolve(n + 2);

  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  expect(wait.size).toBe(0);
  expect(() => wait.join(1, "late", 7)).toThrow("nobody waits");
});

test("those who join are rejected with the first", async () => {
  const wait = new Wait<string, number>();
  const answers = [wait.register(1, "first", 0), wait.join(1, "second", 5)];

  wait.reject(1, ({ value }) => new Error(`${value} was refused`));
  wait.reject(1, () => new Error("nobody is left"));

  await expect(answers[0]).rejects.toThrow("first was refused");
  await expect(answers[1]).rejects.toThrow("second was refused");
});
