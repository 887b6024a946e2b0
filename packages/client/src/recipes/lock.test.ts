import { describe, expect, test } from "vitest";
import { Client } from "../client.ts";
import type { Clock } from "../clock.ts";
import { CALM, FaultyNetwork, simulate } from "../simulation.test.support.ts";
import type { Simulation } from "../simulation.test.support.ts";
import { campaign, leader, leaders } from "./election.ts";
import { lock } from "./lock.ts";

const TTL = 6;

/** A client with a timeout of 9,999 ms, and the delays that it asks its clock for. */
function recordingClient({ time, server, random }: Simulation): { client: Client; requestedMs: number[] } {
  const requestedMs: number[] = [];
  const clock: Clock = {
    after: (delayMs, callback) => {
      requestedMs.push(delayMs);
      return time.after(delayMs, callback);
    },
  };
  const transport = new FaultyNetwork(server, time, random, CALM);
  return {
    client: new Client({ endpoints: ["http://a"], transport, clock, timeoutMs: 9_999 }),
    requestedMs,
  };
}

describe("lock", () => {
  test("waiters get the lock in the order in which they asked", async () => {
    const { time, connect } = simulate(1, CALM);
    const order: number[] = [];
    const use = async (number: number): Promise<void> => {
      await time.delay(number * 100);
      await using held = await lock(connect(), "/lock", { ttl: TTL });
      expect(held.signal.aborted).toBe(false);
      order.push(number);
      await time.delay(1_000);
    };

    await time.run(Promise.all([use(0), use(1), use(2), use(3)]));

    expect(order).toEqual([0, 1, 2, 3]);
  });

  test("a held lock outlives its TTL many times over by its heartbeat, and is gone when released", async () => {
    const { time, server, connect } = simulate(1, CALM);
    const held = await time.run(lock(connect(), "/lock", { ttl: TTL, label: "me" }));

    await time.run(time.delay(60_000));

    expect(held.signal.aborted).toBe(false);
    expect(server.files.get(held.key)?.value).toMatch(/^[0-9a-f-]{36}\/me$/);
    await time.run(held.release());
    await time.run(held.release());
    await time.run(time.delay(60_000));
    expect(server.files.size).toBe(0);
    expect(held.signal.aborted).toBe(false);
  });

  test("a holder that is cut off knows that it has lost the lock before the next one gets it", async () => {
    const { time, server, random, connect } = simulate(1, CALM);
    const network = new FaultyNetwork(server, time, random, CALM);
    const first = await time.run(lock(connect(network), "/lock", { ttl: TTL }));
    let lostAtMs = Number.NaN;
    first.signal.addEventListener("abort", () => (lostAtMs = time.nowMs), { once: true });

    network.faults = { ...CALM, refused: 1 };
    const cutOffAtMs = time.nowMs;
    const second = await time.run(lock(connect(), "/lock", { ttl: TTL }));

    expect(first.signal.reason).toMatchObject({ code: "E_LOST" });
    expect(lostAtMs - cutOffAtMs).toBeLessThanOrEqual(TTL * 1_000 * 0.8);
    expect(time.nowMs).toBeGreaterThan(lostAtMs);
    expect(second.fencingIndex).toBeGreaterThan(first.fencingIndex);
    await time.run(first.release());
    expect(second.signal.aborted).toBe(false);
  });

  test("a waiter is not left behind when the holder goes between its look and its watch", async () => {
    const { time, server, random, connect } = simulate(1, CALM);
    const first = await time.run(lock(connect(), "/lock", { ttl: TTL }));
    const network = new FaultyNetwork(server, time, random, CALM);
    const send = network.send.bind(network);
    network.send = (request) => {
      if (request.path.includes("wait=true")) server.remove(first.key);
      return send(request);
    };

    const second = await time.run(lock(connect(network), "/lock", { ttl: TTL }), 60_000);

    expect(second.fencingIndex).toBeGreaterThan(first.fencingIndex);
  });

  test("a place that was made twice, its first answer lost, leaves nothing behind", async () => {
    const { time, server, random, connect } = simulate(1, CALM);
    const network = new FaultyNetwork(server, time, random, CALM);
    const send = network.send.bind(network);
    network.send = (request) => {
      if (request.method === "POST") server.answer(request);
      return send(request);
    };

    const held = await time.run(lock(connect(network), "/lock", { ttl: TTL }));

    expect([...server.files.keys()]).toEqual([held.key]);
  });

  test("a short outage is bridged, and then heartbeats are as rare as before", async () => {
    const { time, server, random, connect } = simulate(1, CALM);
    const network = new FaultyNetwork(server, time, random, CALM);
    const held = await time.run(lock(connect(network), "/lock", { ttl: TTL }));

    network.faults = { ...CALM, refused: 1 };
    await time.run(time.delay((TTL * 1_000) / 3 + 500));
    network.faults = CALM;
    await time.run(time.delay(TTL * 1_000));
    const before = server.index;
    await time.run(time.delay(10 * TTL * 1_000));

    expect(held.signal.aborted).toBe(false);
    expect(server.index - before).toBeLessThanOrEqual(30);
    expect(server.index - before).toBeGreaterThanOrEqual(29);
  });

  test("a lock whose key somebody removes is lost at the next heartbeat", async () => {
    const { time, server, connect } = simulate(1, CALM);
    const held = await time.run(lock(connect(), "/lock", { ttl: TTL }));

    server.remove(held.key);
    await time.run(time.delay((TTL * 1_000) / 3 + 100));

    expect(held.signal.reason).toMatchObject({ code: "E_LOST", cause: { errorCode: 100 } });
  });

  test("aborting while waiting rejects with the reason and gives the place up", async () => {
    const { time, server, connect } = simulate(1, CALM);
    const held = await time.run(lock(connect(), "/lock", { ttl: TTL }));
    const controller = new AbortController();
    time.after(20_000, () => controller.abort("enough"));

    await expect(time.run(lock(connect(), "/lock", { ttl: TTL, signal: controller.signal }))).rejects.toBe(
      "enough",
    );

    expect([...server.files.keys()]).toEqual([held.key]);
  });

  test("a closed client ends waiting", async () => {
    const { time, connect } = simulate(1, CALM);
    await time.run(lock(connect(), "/lock", { ttl: TTL }));
    const client = connect();
    time.after(20_000, () => void client.close());

    await expect(time.run(lock(client, "/lock", { ttl: TTL }))).rejects.toMatchObject({ code: "E_CLOSED" });
  });

  test("all requests but heartbeats have the lock's timeout, the waiting watch included", async () => {
    const simulation = simulate(1, CALM);
    const { time, connect } = simulation;
    const first = await time.run(lock(connect(), "/lock", { ttl: TTL }));
    const { client, requestedMs } = recordingClient(simulation);
    time.after(1_000, () => void first.release());

    await time.run(lock(client, "/lock", { ttl: TTL, timeoutMs: 7_777 }));

    // Making a place, finding it, looking whose turn it is, waiting, looking again.
    expect(requestedMs.filter((delayMs) => delayMs === 7_777)).toHaveLength(5);
    expect(requestedMs).not.toContain(9_999);
  });

  test("a release that nobody answers ends with its signal; another one ends with the TTL", async () => {
    const { time, server, random, connect } = simulate(1, CALM);
    const network = new FaultyNetwork(server, time, random, CALM);
    const held = await time.run(lock(connect(network), "/lock", { ttl: TTL }));
    const controller = new AbortController();
    network.faults = { ...CALM, refused: 1 };
    time.after(1_000, () => controller.abort("enough"));

    const releasing = held.release({ signal: controller.signal });

    await expect(time.run(releasing)).rejects.toBe("enough");
    expect(time.nowMs).toBeLessThan(2_000);
    await time.run(held.release(), 60_000);
    expect(held.signal.reason).toMatchObject({ code: "E_LOST" });
  });

  test.each([0, -1, 1.5, Number.NaN])("a TTL of %j is refused", async (ttl) => {
    await expect(lock(simulate(1, CALM).connect(), "/lock", { ttl })).rejects.toMatchObject({
      code: "E_CONFIG",
    });
  });
});

describe("election", () => {
  test("who asks for the leader, and for each next one, does it with the timeout given", async () => {
    const simulation = simulate(1, CALM);
    const { time, server } = simulation;
    const { client, requestedMs } = recordingClient(simulation);
    const next = leaders(client, "/election", { timeoutMs: 7_777 });

    await time.run(leader(client, "/election", { timeoutMs: 7_777 }));
    await time.run(next.next());
    time.after(1_000, () => server.put("/election/1", "id/a"));
    const { value } = await time.run(next.next());

    expect(value).toMatchObject({ value: "a" });
    expect(requestedMs).toEqual([7_777, 7_777, 7_777, 7_777]);
  });

  test("who campaigns first leads, and the next one follows when it resigns", async () => {
    const { time, connect } = simulate(1, CALM);
    const client = connect();
    const seen: (string | null)[] = [];
    const watch = async (): Promise<void> => {
      for await (const now of leaders(client, "/election")) {
        seen.push(now?.value ?? null);
        if (seen.length === 4) return;
      }
    };
    const compete = async (): Promise<void> => {
      await time.delay(100);
      const a = await campaign(connect(), "/election", "a/1", { ttl: TTL });
      expect(await leader(client, "/election")).toEqual({
        value: "a/1",
        key: a.key,
        fencingIndex: a.fencingIndex,
      });
      const waiting = campaign(connect(), "/election", "b", { ttl: TTL });
      await time.delay(20_000);
      await a.release();
      const b = await waiting;
      await time.delay(1_000);
      await b.release();
    };

    await time.run(Promise.all([watch(), compete()]));

    expect(seen).toEqual([null, "a/1", "b", null]);
    expect(await time.run(leader(client, "/election"))).toBeNull();
  });
});
