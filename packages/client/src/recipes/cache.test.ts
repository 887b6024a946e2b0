import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { Client } from "../client.ts";
import { ScriptedServer, json } from "../scripted-server.test.support.ts";
import { CALM, simulate } from "../simulation.test.support.ts";
import { Cache } from "./cache.ts";

interface ScriptNode {
  readonly key: string;
  readonly value?: string;
  readonly dir?: true;
}

const at = (index: number): object => ({ modifiedIndex: index, createdIndex: index });
const file = (key: string): object => ({ key, value: "old", ...at(1) });

/** Plays a listing of `/c` and then events; the cache as it is after the last one. */
async function play(
  ...events: readonly (readonly [action: string, node: ScriptNode])[]
): Promise<Map<string, string>> {
  const nodes = [
    file("/c/a"),
    { key: "/c/d", dir: true, nodes: [file("/c/d/x"), file("/c/d/xy")], ...at(1) },
  ];
  await using server = await ScriptedServer.start(
    json({ action: "get", node: { key: "/c", dir: true, nodes, ...at(1) } }),
    ...events.map(([action, node], i) => json({ action, node: { ...node, ...at(8 + i) } })),
    () => undefined,
  );
  await using client = new Client({ endpoints: [server.url] });
  await using cache = await Cache.open(client, "/c");
  await cache.atLeast(7 + events.length);
  return new Map([...cache.files].map(([key, { value }]) => [key, value]));
}

const ALL = { "/c/a": "old", "/c/d/x": "old", "/c/d/xy": "old" };

describe("what an event does to the copy", () => {
  test.each([
    ["set", { key: "/c/a", value: "new" }, { ...ALL, "/c/a": "new" }],
    ["create", { key: "/c/n", value: "new" }, { ...ALL, "/c/n": "new" }],
    ["compareAndSwap", { key: "/c/a", value: "new" }, { ...ALL, "/c/a": "new" }],
    ["delete", { key: "/c/a" }, { "/c/d/x": "old", "/c/d/xy": "old" }],
    ["expire", { key: "/c/d" }, { "/c/a": "old" }],
    ["delete", { key: "/c/d", dir: true }, { "/c/a": "old" }],
    ["update", { key: "/c/d", dir: true }, ALL],
    ["set", { key: "/c/a", dir: true }, { "/c/d/x": "old", "/c/d/xy": "old" }],
    // Of a directory above, and of one whose name only begins alike.
    ["delete", { key: "", dir: true }, {}],
    ["delete", { key: "/c", dir: true }, {}],
    ["delete", { key: "/c/d/x" }, { "/c/a": "old", "/c/d/xy": "old" }],
    // The history shows hidden keys; a listing does not.
    ["set", { key: "/c/_h/a", value: "new" }, ALL],
    ["set", { key: "/cc", value: "new" }, ALL],
  ] as const)("%s of %j", async (action, node, expected) => {
    expect(Object.fromEntries(await play([action, node]))).toEqual(expected);
  });
});

test("the copy of a file is that file", async () => {
  const { time, server, connect } = simulate(1, CALM);
  server.put("/c/a", "1");
  const cache = await time.run(Cache.open(connect(), "/c/a"));
  server.put("/c/ab", "other");
  server.put("/c/a", "2");

  await time.run(cache.atLeast(server.index));

  expect([...cache.files]).toEqual([["/c/a", { value: "2", modifiedIndex: server.index }]]);
});

test("waiting for an index ends with the signal, and with the cache", async () => {
  const { time, connect } = simulate(1, CALM);
  const cache = await time.run(Cache.open(connect(), "/c"));
  const controller = new AbortController();

  const waiting = expect(cache.atLeast(1_000, { signal: controller.signal })).rejects.toBe("enough");
  controller.abort("enough");
  await time.run(waiting);
  const closing = expect(cache.atLeast(1_000)).rejects.toMatchObject({ name: "AbortError" });
  await time.run(cache.close());

  await time.run(closing);
  expect(cache.stopped.aborted).toBe(true);
});

test("waits leave no listener behind on their signal", async () => {
  const { time, server, connect } = simulate(1, CALM);
  const cache = await time.run(Cache.open(connect(), "/c"));
  const { signal } = new AbortController();

  for (let i = 0; i < 3; i++) {
    const waiting = cache.atLeast(server.index + 1, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    server.put("/c/a", String(i));
    await time.run(waiting);
  }

  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a cache that the server refuses does not open", async () => {
  const refused = { errorCode: 110, message: "The request requires user authentication", index: 0 };
  await using server = await ScriptedServer.start(json(refused, 401));
  await using client = new Client({ endpoints: [server.url] });

  await expect(Cache.open(client, "/c")).rejects.toMatchObject({ errorCode: 110 });
});
