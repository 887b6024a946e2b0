// The promises of the recipes, over a network on which a third of all requests goes wrong.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { STORMY, simulate } from "../simulation.test.support.ts";
import type { Simulation } from "../simulation.test.support.ts";
import { Cache } from "./cache.ts";
import { Counter } from "./counter.ts";
import { lock } from "./lock.ts";
import { Queue } from "./queue.ts";
import { register } from "./register.ts";

const RUNS = { numRuns: 25 };

async function storm(check: (simulation: Simulation) => Promise<void>, historyLimit = 1_000): Promise<void> {
  const run = (seed: number): Promise<void> => check(simulate(seed, STORMY, { historyLimit }));
  await fc.assert(fc.asyncProperty(fc.nat(), run), RUNS);
}

test("a lock has one holder at a time, and each has a larger fencing index than the one before", async () => {
  let grantCount = 0;
  await storm(async ({ time, random, connect }) => {
    const holders = new Set<number>();
    let lastFencingIndex = 0;
    const contend = async (): Promise<void> => {
      const client = connect();
      for (let i = 0; i < 4; i++) {
        await using held = await lock(client, "/lock", { ttl: 5 });
        // Whoever has lost the lock knows it by its signal before anybody else can have it.
        const isAlone = [...holders].every((fencingIndex) => fencingIndex === held.fencingIndex);
        expect(isAlone).toBe(true);
        expect(held.fencingIndex).toBeGreaterThan(lastFencingIndex);
        lastFencingIndex = held.fencingIndex;
        grantCount++;
        holders.add(held.fencingIndex);
        held.signal.addEventListener("abort", () => holders.delete(held.fencingIndex), { once: true });
        await time.delay(random() * 6_000);
        holders.delete(held.fencingIndex);
      }
    };

    await time.run(Promise.all([contend(), contend(), contend()]));
  });
  expect(grantCount).toBe(RUNS.numRuns * 12);
});

test("a counter counts each addition once", async () => {
  await storm(async ({ time, connect }) => {
    const count = async (amount: number): Promise<void> => {
      const counter = new Counter(connect(), "/counter");
      for (let i = 0; i < 8; i++) await counter.add(amount);
    };

    await time.run(Promise.all([count(1), count(100), count(-10_000)]));

    expect(await time.run(new Counter(connect(), "/counter").value())).toBe(8 * (1 + 100 - 10_000));
  });
});

test("each item that was put is taken, and twice only if a claim was lost", async () => {
  await storm(async ({ time, server, random, connect }) => {
    const put: string[] = [];
    const taken: string[] = [];
    let lostCount = 0;
    const produce = async (name: string): Promise<void> => {
      const queue = new Queue(connect(), "/queue", { ttl: 5 });
      for (let i = 0; i < 6; i++) {
        // A failure says nothing about whether the item is there; only what was confirmed counts.
        const wasPut = await queue.put(`${name}${i}`).then(
          () => true,
          () => false,
        );
        if (wasPut) put.push(`${name}${i}`);
        await time.delay(random() * 1_000);
      }
    };
    const end = new AbortController();
    const consume = async (): Promise<void> => {
      let client = connect();
      while (!end.signal.aborted) {
        const queue = new Queue(client, "/queue", { ttl: 5 });
        const item = await queue.take({ signal: end.signal }).catch((error: unknown) => {
          if (end.signal.aborted) return null;
          throw error;
        });
        if (item === null) return;
        item.signal.addEventListener("abort", () => lostCount++, { once: true });
        await time.delay(random() * 4_000);
        if (random() < 0.2) {
          // This consumer dies.
          await client.close();
          client = connect();
          continue;
        }
        taken.push(item.value);
        await item.done();
      }
    };
    const whenEmpty = async (): Promise<void> => {
      await Promise.all([produce("a"), produce("b")]);
      while ([...server.files.keys()].some((key) => key.startsWith("/queue/items/"))) await time.delay(1_000);
      end.abort();
    };

    await time.run(Promise.all([whenEmpty(), consume(), consume(), consume()]));

    expect(taken).toEqual(expect.arrayContaining(put));
    expect(taken.length - new Set(taken).size).toBeLessThanOrEqual(lostCount);
  });
});

test("a cache has what the server has, also when the history is too short", async () => {
  const historyLimit = 5;
  await storm(async ({ time, server, random, connect }) => {
    const keys = ["/c/a", "/c/b/c", "/c/b/d", "/c/_hidden/e", "/cc", "/d"];
    const change = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        if (random() < 0.3) await time.delay(random() * 2_000);
        const key = keys[Math.floor(random() * keys.length)] ?? "";
        if (random() < 0.3) server.remove(key, "expire");
        else server.put(key, String(i));
      }
      server.put("/c/a", "last");
    };
    const compare = async (): Promise<void> => {
      await using cache = await Cache.open(connect(), "/c/");
      await change();
      await cache.atLeast(server.index);
      const expected = [...server.files].filter(([key]) => /^\/c\/(?!_)/.test(key));
      const values = [...cache.files].map(([key, { value }]) => [key, value] as const);
      expect(new Map(values)).toEqual(new Map(expected.map(([key, { value }]) => [key, value])));
      expect(cache.get("c/a")).toBe("last");
    };

    await time.run(compare());
  }, historyLimit);
});

test("a registration stays, is written again when it was lost, and goes with its owner", async () => {
  await storm(async ({ time, server, random, connect }) => {
    const work = async (): Promise<void> => {
      const registration = await register(connect(), "/services/web/1", "10.0.0.1:80", { ttl: 5 });
      for (let i = 0; i < 5; i++) {
        await time.delay(random() * 10_000);
        if (random() < 0.5) server.remove("/services/web/1", "expire");
      }
      await time.delay(20_000);
      const file = server.files.get("/services/web/1");
      expect({ file, isOver: registration.signal.aborted }).toMatchObject({
        file: { value: "10.0.0.1:80" },
        isOver: false,
      });
      await registration.close();
    };

    await time.run(work());
    // What was on its way when it ended, and then the TTL.
    await time.run(time.delay(10_000));
    expect(server.files.has("/services/web/1")).toBe(false);
  });
});
