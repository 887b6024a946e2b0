import type { LookupAddress, LookupOptions } from "node:dns";
import { expect, test } from "vitest";
import { HostLookup } from "./host-lookup.ts";
import { Happenings, ManualClock } from "./member.test.support.ts";

const V4: LookupAddress = { address: "10.0.0.1", family: 4 };
const V6: LookupAddress = { address: "fd00::1", family: 6 };

test("callers that ask for the same name share one question", async () => {
  const { ask, asked, answer } = setUp();

  const both = Promise.all([ask("one"), ask("one")]);
  answer("one", [V4]);

  expect(await both).toEqual([[V4], [V4]]);
  expect(asked).toEqual(["one"]);
});

test("no more than two threads are occupied, and a name that hangs does not hold up the others", async () => {
  const { ask, asked, answer } = setUp();
  const hanging = ask("hangs");
  const second = ask("two");
  const third = ask("three");
  expect(asked).toEqual(["hangs", "two"]);

  answer("two", [V4]);
  expect(await second).toEqual([V4]);
  expect(asked).toEqual(["hangs", "two", "three"]);

  answer("three", [V6]);
  expect(await third).toEqual([V6]);
  answer("hangs", [V4]);
  expect(await hanging).toEqual([V4]);
});

test("an answer is good for ten seconds, a failure for nobody else", async () => {
  const { ask, asked, answer, fail, clock } = setUp();
  const failing = ask("one");
  fail("one", new Error("no name server"));
  await expect(failing).rejects.toThrow("no name server");

  const first = ask("one");
  answer("one", [V4]);
  await first;
  clock.advance(9_999);
  expect(await ask("one")).toEqual([V4]);
  expect(asked).toHaveLength(2);

  clock.advance(1);
  const again = ask("one");
  answer("one", [V6]);
  expect(await again).toEqual([V6]);
});

test("the answer has the form that was asked for", async () => {
  const { ask, answer } = setUp();
  const all = ask("one", { all: true });
  answer("one", [V6, V4]);

  expect(await all).toEqual([V6, V4]);
  expect(await ask("one", { all: true, family: 4 })).toEqual([V4]);
  expect(await ask("one", { family: 4 })).toEqual([V4]);
  expect(await ask("one", {})).toEqual([V6]);
});

test("a name without an address of the wanted family is not found", async () => {
  const { ask, answer } = setUp();
  const asking = ask("one", { family: 6 });
  answer("one", [V4]);

  await expect(asking).rejects.toMatchObject({ code: "ENOTFOUND" });
});

interface SetUp {
  readonly clock: ManualClock;
  /** The names that reached the system, in order. */
  readonly asked: string[];
  readonly ask: (hostname: string, options?: LookupOptions) => Promise<LookupAddress[]>;
  readonly answer: (hostname: string, addresses: LookupAddress[]) => void;
  readonly fail: (hostname: string, error: Error) => void;
}

function setUp(): SetUp {
  const clock = new ManualClock(new Happenings());
  const asked: string[] = [];
  const pending = new Map<string, (error: Error | null, addresses: LookupAddress[]) => void>();
  const hosts = new HostLookup(clock, (hostname, answered) => {
    asked.push(hostname);
    pending.set(hostname, answered);
  });
  return {
    clock,
    asked,
    ask: (hostname, options = {}) =>
      new Promise((resolve, reject) => {
        hosts.lookup(hostname, options, (error, address, family) => {
          if (error !== null) reject(error);
          else resolve(typeof address === "string" ? [{ address, family: family ?? 0 }] : address);
        });
      }),
    answer: (hostname, addresses) => pending.get(hostname)?.(null, addresses),
    fail: (hostname, error) => pending.get(hostname)?.(error, []),
  };
}
