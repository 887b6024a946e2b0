import { expect, test } from "vitest";
import { CALM, FaultyNetwork, simulate } from "../simulation.test.support.ts";
import type { TransportRequest } from "../transport.ts";
import { Counter } from "./counter.ts";

test("a counter starts at 0 and returns sums", async () => {
  const { time, connect } = simulate(1, CALM);
  const counter = new Counter(connect(), "/n");

  expect(await time.run(counter.value())).toBe(0);
  expect(await time.run(counter.add(5))).toBe(5);
  expect(await time.run(counter.add(-7))).toBe(-2);
  expect(await time.run(counter.value())).toBe(-2);
});

test("a key with something else is no counter", async () => {
  const { time, server, connect } = simulate(1, CALM);
  server.put("/n", "many");

  await expect(time.run(new Counter(connect(), "/n").add(1))).rejects.toMatchObject({
    code: "E_NOT_A_COUNTER",
  });
});

test("an addition that is no integer is refused", async () => {
  const { time, connect } = simulate(1, CALM);

  await expect(time.run(new Counter(connect(), "/n").add(0.5))).rejects.toMatchObject({ code: "E_CONFIG" });
});

test("an addition whose answer is lost, and whose history too, fails with an unknown outcome", async () => {
  const { time, server, random, connect } = simulate(1, CALM, { historyLimit: 3 });
  const network = new FaultyNetwork(server, time, random, CALM);
  const send = network.send.bind(network);
  let isLost = false;
  network.send = async (request: TransportRequest) => {
    const response = await send(request);
    if (isLost || !request.path.includes("prevIndex")) return response;
    isLost = true;
    for (let i = 0; i < 10; i++) server.put("/other", String(i));
    throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  };

  const adding = new Counter(connect(network), "/n").add(1);

  await expect(time.run(adding)).rejects.toMatchObject({ code: "E_HISTORY_CLEARED", outcomeUnknown: true });
});
