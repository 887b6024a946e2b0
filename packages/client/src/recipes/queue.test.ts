import { expect, test } from "vitest";
import { CALM, FaultyNetwork, simulate } from "../simulation.test.support.ts";
import { Queue } from "./queue.ts";

const TTL = 6;

test("items are handed out in order, one consumer each, and are gone when done", async () => {
  const { time, server, connect } = simulate(1, CALM);
  const queue = new Queue(connect(), "/q", { ttl: TTL });
  const other = new Queue(connect(), "/q", { ttl: TTL });
  const index = await time.run(queue.put("one"));
  await time.run(queue.put("two"));

  const one = await time.run(queue.take());
  const two = await time.run(other.take());

  expect([one.value, one.index, two.value]).toEqual(["one", index, "two"]);
  await time.run(one.done());
  await time.run(one.done());
  await time.run(two.done());
  expect(server.files.size).toBe(0);
});

test("a consumer waits for an item that is put later", async () => {
  const { time, connect } = simulate(1, CALM);
  const taking = new Queue(connect(), "/q", { ttl: TTL }).take();
  time.after(30_000, () => void new Queue(connect(), "/q", { ttl: TTL }).put("late"));

  expect((await time.run(taking)).value).toBe("late");
});

test("an item that is disposed of undone goes to the consumer that waits", async () => {
  const { time, connect } = simulate(1, CALM);
  const queue = new Queue(connect(), "/q", { ttl: TTL });
  await time.run(queue.put("one"));
  const first = await time.run(queue.take());
  const waiting = new Queue(connect(), "/q", { ttl: TTL }).take();

  await time.run(first[Symbol.asyncDispose]());
  const second = await time.run(waiting);

  expect([second.value, second.index]).toEqual(["one", first.index]);
});

test("the item of a consumer that dies is handed out again after the TTL, and the dead one knows", async () => {
  const { time, connect } = simulate(1, CALM);
  const client = connect();
  await time.run(new Queue(client, "/q", { ttl: TTL }).put("one"));
  const first = await time.run(new Queue(client, "/q", { ttl: TTL }).take());

  await client.close();
  const second = await time.run(new Queue(connect(), "/q", { ttl: TTL }).take());

  expect(second.value).toBe("one");
  expect(first.signal.reason).toMatchObject({ code: "E_LOST" });
});

test("an item that is finished while it is being claimed is not handed out", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const index = await time.run(new Queue(connect(), "/q", { ttl: TTL }).put("finished"));
  const network = new FaultyNetwork(server, time, random, CALM);
  const send = network.send.bind(network);
  network.send = (request) => {
    if (request.path.includes("/claims/")) server.remove(`/q/items/${String(index).padStart(20, "0")}`);
    return send(request);
  };

  const taking = new Queue(connect(network), "/q", { ttl: TTL }).take();
  time.after(30_000, () => void new Queue(connect(), "/q", { ttl: TTL }).put("next"));
  const item = await time.run(taking);

  expect(item.value).toBe("next");
  expect([...server.files.keys()].filter((key) => key.startsWith("/q/claims/"))).toHaveLength(1);
});

test("an item whose claim was lost before it could be handed out is claimed again", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  await time.run(new Queue(connect(), "/q", { ttl: TTL }).put("one"));
  const network = new FaultyNetwork(server, time, random, CALM);
  const send = network.send.bind(network);
  let isFirst = true;
  network.send = (request) => {
    if (isFirst && request.method === "GET" && request.path.includes("/items/")) {
      isFirst = false;
      network.faults = { ...CALM, refused: 1 };
      time.after(20_000, () => (network.faults = CALM));
    }
    return send(request);
  };

  const item = await time.run(new Queue(connect(network), "/q", { ttl: TTL }).take());

  expect(item.value).toBe("one");
  expect(item.signal.aborted).toBe(false);
  expect(time.nowMs).toBeGreaterThan(20_000);
});

test("an item that is put between the look and the watch is not missed", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const network = new FaultyNetwork(server, time, random, CALM);
  const send = network.send.bind(network);
  network.send = (request) => {
    if (request.path.includes("wait=true")) server.put("/q/items/00000000000000000001", "early");
    return send(request);
  };

  const item = await time.run(new Queue(connect(network), "/q", { ttl: TTL }).take(), 60_000);

  expect(item.value).toBe("early");
});

test("done ends with its signal when the item is removed and the claim cannot be", async () => {
  const { time, server, random, connect } = simulate(1, CALM);
  const network = new FaultyNetwork(server, time, random, CALM);
  await time.run(new Queue(connect(), "/q", { ttl: TTL }).put("one"));
  const item = await time.run(new Queue(connect(network), "/q", { ttl: TTL }).take());
  const controller = new AbortController();
  const send = network.send.bind(network);
  network.send = (request) => {
    if (request.path.includes("/claims/")) network.faults = { ...CALM, refused: 1 };
    return send(request);
  };
  time.after(1_000, () => controller.abort("enough"));

  await expect(time.run(item.done({ signal: controller.signal }))).rejects.toBe("enough");

  expect([...server.files.keys()].filter((key) => key.startsWith("/q/items/"))).toEqual([]);
});

test("put sends once and says that the outcome is unknown", async () => {
  const { time, connect } = simulate(1, { ...CALM, broken: 1 });

  const putting = new Queue(connect(), "/q", { ttl: TTL }).put("one");

  await expect(time.run(putting)).rejects.toMatchObject({ code: "E_CONNECTION", outcomeUnknown: true });
});

test("aborting ends waiting with the reason", async () => {
  const { time, connect } = simulate(1, CALM);
  const controller = new AbortController();
  time.after(20_000, () => controller.abort("enough"));

  const taking = new Queue(connect(), "/q", { ttl: TTL }).take({ signal: controller.signal });

  await expect(time.run(taking)).rejects.toBe("enough");
});
