import { expect, test } from "vitest";
import { recordingLogger } from "../recording-logger.test.support.ts";
import { ProxyEndpoints } from "./endpoints.ts";
import type { ClusterUrls } from "./endpoints.ts";

/** A proxy's endpoints in a world that the test turns by hand. */
class World {
  readonly log: string[] = [];
  readonly asked: string[] = [];
  readonly saved: (readonly string[])[] = [];
  readonly delays: number[] = [];
  cluster: ClusterUrls | null = null;
  silent: readonly string[] = [];
  nowMs = 1;
  #callback: (() => void) | null = null;

  endpoints(refreshIntervalMs = 30_000): ProxyEndpoints {
    return new ProxyEndpoints(
      { peerUrls: ["http://p1:1", "http://p2:1"], refreshIntervalMs, failureWaitMs: 5_000 },
      {
        ask: (url) => {
          this.asked.push(url);
          if (this.cluster === null || this.silent.includes(url)) return Promise.reject(new Error("nobody"));
          return Promise.resolve(this.cluster);
        },
        save: (urls) => {
          this.saved.push(urls);
          return Promise.resolve();
        },
        clock: {
          now: () => this.nowMs,
          after: (delayMs, callback) => {
            this.delays.push(delayMs);
            this.#callback = callback;
            return () => (this.#callback = null);
          },
        },
        random: () => 0,
        logger: recordingLogger(this.log),
      },
    );
  }

  get isWaiting(): boolean {
    return this.#callback !== null;
  }

  /** Sets off the timer and lets the refresh finish. */
  async tick(): Promise<void> {
    const callback = this.#callback;
    this.#callback = null;
    callback?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const TWO: ClusterUrls = {
  peerUrls: ["http://p1:1", "http://p3:1"],
  clientUrls: ["http://c1:1", "http://c2:1"],
};

test("the first peer that answers names the endpoints; the peers are kept for the next time", async () => {
  const world = new World();
  world.cluster = TWO;
  world.silent = ["http://p1:1"];
  const endpoints = world.endpoints();

  await endpoints.start();

  // Drawn with a random number of 0: the last one first.
  expect(endpoints.available).toStrictEqual(["http://c2:1", "http://c1:1"]);
  expect(world.asked).toStrictEqual(["http://p1:1", "http://p2:1"]);
  expect(world.saved).toStrictEqual([TWO.peerUrls]);
  expect(world.log).toStrictEqual([
    'I endpoints found ["http://c2:1" "http://c1:1"]',
    "N updated peer urls in cluster file from [http://p1:1 http://p2:1] to [http://p1:1 http://p3:1]",
  ]);
  await world.tick();
  expect(world.asked.slice(2)).toStrictEqual(["http://p1:1", "http://p3:1"]);
});

test("without an answer there are no endpoints, and with a long interval the next question follows after a second", async () => {
  const world = new World();
  const endpoints = world.endpoints();
  await endpoints.start();
  expect(endpoints.available).toStrictEqual([]);

  world.cluster = TWO;
  await world.tick();
  expect(endpoints.available).toHaveLength(2);

  world.cluster = null;
  await world.tick();
  expect(endpoints.available).toStrictEqual([]);
  expect(world.delays).toStrictEqual([1_000, 30_000, 1_000]);
});

test("an outage is logged once, and the next one again", async () => {
  const world = new World();
  const endpoints = world.endpoints();
  const outages = () => world.log.filter((line) => line.includes("could not retrieve")).length;

  await endpoints.start();
  await world.tick();
  expect(outages()).toBe(1);
  expect(world.log).toContain("W could not get cluster response from http://p2:1: nobody");
  world.cluster = TWO;
  await world.tick();
  world.cluster = null;
  await world.tick();
  expect(outages()).toBe(2);
});

test("a short interval is kept even without endpoints, but none is shorter than 100 ms", async () => {
  const [short, none] = [new World(), new World()];
  await short.endpoints(29_999).start();
  await none.endpoints(0).start();

  expect(short.delays).toStrictEqual([29_999]);
  expect(none.delays).toStrictEqual([100]);
});

test("a failed endpoint is left alone for the failure wait, or until the next refresh", async () => {
  const world = new World();
  world.cluster = TWO;
  const endpoints = world.endpoints();
  await endpoints.start();

  endpoints.markFailed("http://c2:1");
  expect(endpoints.available).toStrictEqual(["http://c1:1"]);
  expect(world.log).toContain("W marked endpoint http://c2:1 unavailable");
  world.nowMs += 4_999;
  expect(endpoints.available).toHaveLength(1);
  world.nowMs += 1;
  expect(endpoints.available).toHaveLength(2);

  endpoints.markFailed("http://c1:1");
  await world.tick();
  expect(endpoints.available).toHaveLength(2);
});

test("a client URL that is none is left out with a warning", async () => {
  const world = new World();
  world.cluster = { ...TWO, clientUrls: ["nonsense", "http://c1:1"] };
  const endpoints = world.endpoints();
  await endpoints.start();

  expect(endpoints.available).toStrictEqual(["http://c1:1"]);
  expect(world.log).toContain("W upstream URL invalid: nonsense");
});

test("a file that cannot be written does not stop the proxy", async () => {
  const world = new World();
  world.cluster = TWO;
  const endpoints = world.endpoints();
  world.saved.push = () => {
    throw new Error("disk full");
  };
  await endpoints.start();

  expect(endpoints.available).toHaveLength(2);
  expect(world.log).toContain("W error on writing urls disk full");
});

test("after close nothing is asked any more", async () => {
  const world = new World();
  world.cluster = TWO;
  const endpoints = world.endpoints();
  await endpoints.start();
  expect(world.isWaiting).toBe(true);

  await endpoints.close();
  await endpoints.close();

  expect(world.isWaiting).toBe(false);
});
