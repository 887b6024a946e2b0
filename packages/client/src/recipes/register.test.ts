import { expect, test } from "vitest";
import { Client } from "../client.ts";
import type { Clock } from "../clock.ts";
import { CALM, FaultyNetwork, simulate } from "../simulation.test.support.ts";
import { register } from "./register.ts";

const TTL = 6;

test("a registration that was cut off for longer than its TTL is written again", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const network = new FaultyNetwork(server, time, random, CALM);
  const registration = await time.run(register(connect(network), "/web/1", "here", { ttl: TTL }));

  network.faults = { ...CALM, refused: 1 };
  await time.run(time.delay(20_000));
  const whileCutOff = server.files.has("/web/1");
  network.faults = CALM;
  await time.run(time.delay(20_000));

  expect(whileCutOff).toBe(false);
  expect(server.files.get("/web/1")?.value).toBe("here");
  expect(registration.signal.aborted).toBe(false);
});

test("a registration that is cut off again while it comes back is written a third time", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const network = new FaultyNetwork(server, time, random, CALM);
  const registration = await time.run(register(connect(network), "/web/1", "here", { ttl: TTL }));
  const send = network.send.bind(network);
  let outageCount = 0;
  network.send = async (request) => {
    const response = await send(request);
    if (request.path.includes("prevExist=false") && outageCount < 2) {
      outageCount++;
      network.faults = { ...CALM, refused: 1 };
      time.after(20_000, () => (network.faults = CALM));
    }
    return response;
  };

  server.remove("/web/1", "expire");
  await time.run(time.delay(120_000));

  expect(outageCount).toBe(2);
  expect(server.files.get("/web/1")?.value).toBe("here");
  expect(registration.signal.aborted).toBe(false);
});

test("a registration that somebody else overwrites ends with E_TAKEN and leaves the key alone", async () => {
  const { time, server, connect } = simulate(1, CALM);
  const registration = await time.run(register(connect(), "/web/1", "here", { ttl: TTL }));

  server.put("/web/1", "there");
  await time.run(time.delay(10_000));
  await time.run(registration.close());

  expect(registration.signal.reason).toMatchObject({ code: "E_TAKEN" });
  expect(server.files.get("/web/1")?.value).toBe("there");
});

test("closing removes the key, once", async () => {
  const { time, server, connect } = simulate(1, CALM);
  const registration = await time.run(register(connect(), "/web/1", "here", { ttl: TTL }));

  await time.run(registration.close());
  await time.run(registration.close());

  expect(server.files.size).toBe(0);
  expect(registration.signal.aborted).toBe(false);
});

test("closing ends with its signal when nobody answers, and the key with its TTL", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const network = new FaultyNetwork(server, time, random, CALM);
  const registration = await time.run(register(connect(network), "/web/1", "here", { ttl: TTL }));
  const controller = new AbortController();
  network.faults = { ...CALM, refused: 1 };
  time.after(1_000, () => controller.abort("enough"));

  await expect(time.run(registration.close({ signal: controller.signal }))).rejects.toBe("enough");

  expect(server.files.has("/web/1")).toBe(true);
  await time.run(time.delay(TTL * 1_000 + 1_000));
  expect(server.files.has("/web/1")).toBe(false);
});

test("the writes of a registration have its timeout, the one after an outage included", async () => {
  const { time, server, random } = simulate(1, CALM);
  const requestedMs: number[] = [];
  const clock: Clock = {
    after: (delayMs, callback) => {
      requestedMs.push(delayMs);
      return time.after(delayMs, callback);
    },
  };
  const transport = new FaultyNetwork(server, time, random, CALM);
  const client = new Client({ endpoints: ["http://a"], transport, clock });
  await time.run(register(client, "/web/1", "here", { ttl: TTL, timeoutMs: 7_777 }));

  server.remove("/web/1");
  await time.run(time.delay(10_000));

  expect(server.files.has("/web/1")).toBe(true);
  expect(requestedMs.filter((delayMs) => delayMs === 7_777)).toHaveLength(2);
});

test("a registration without a value is refused", async () => {
  await expect(register(simulate(1, CALM).connect(), "/web/1", "", { ttl: TTL })).rejects.toMatchObject({
    code: "E_CONFIG",
  });
});
