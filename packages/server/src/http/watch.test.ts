import { describe, expect, test } from "vitest";
import { Store, WATCHER_QUEUE_LIMIT, type Watcher } from "@kv/store";
import { FanOut } from "./fan-out.ts";
import { WatchBody } from "./watch.ts";

function newStore(): Store {
  return new Store({ namespaces: ["/1"], now: () => 0n });
}

function set(store: Store, key: string, value: string): void {
  store.set(`/1${key}`, { dir: false, value, expiration: null, refresh: false });
}

function watch(store: Store, options: { stream: boolean; since?: number }): Watcher {
  return store.watch("/1/a", { recursive: false, since: 0, ...options });
}

function line(value: string, index: number): unknown {
  return { action: "set", node: { key: "/a", value, modifiedIndex: index, createdIndex: index } };
}

async function nextLine(body: WatchBody): Promise<unknown> {
  const { done, value } = await body.next();
  return done === true ? "end" : JSON.parse(value);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a watch body", () => {
  test("of a one-shot is its event and the end", async () => {
    const store = newStore();
    const body = new WatchBody(watch(store, { stream: false }), new FanOut());

    const first = nextLine(body);
    set(store, "/a", "x");
    set(store, "/a", "y");

    expect(await first).toEqual(line("x", 1));
    expect(await nextLine(body)).toBe("end");
    expect(store.stats().watchers).toBe(0);
  });

  test("of a stream is every event in order, waited for or not", async () => {
    const store = newStore();
    set(store, "/a", "0");
    const body = new WatchBody(watch(store, { stream: true, since: 1 }), new FanOut());

    expect(await nextLine(body)).toMatchObject({ node: { value: "0" } });
    const second = nextLine(body);
    set(store, "/a", "1");
    set(store, "/a", "2");
    expect(await second).toMatchObject({ node: { value: "1" } });
    expect(await nextLine(body)).toMatchObject({ node: { value: "2" } });
  });

  test("of a consumer that is too slow ends behind what was queued", async () => {
    const store = newStore();
    const body = new WatchBody(watch(store, { stream: true }), new FanOut());

    for (let i = 0; i <= WATCHER_QUEUE_LIMIT; i++) set(store, "/a", String(i));
    const values: unknown[] = [];
    for await (const json of body) values.push(JSON.parse(json));

    expect(values).toHaveLength(WATCHER_QUEUE_LIMIT);
    expect(store.stats().watchers).toBe(0);
  });

  test("that is left is ended, and its watcher closed", async () => {
    const store = newStore();
    const body = new WatchBody(watch(store, { stream: true }), new FanOut());
    const pending = nextLine(body);
    expect(store.stats().watchers).toBe(1);

    await body.return();

    expect(await pending).toBe("end");
    expect(await nextLine(body)).toBe("end");
    expect(store.stats().watchers).toBe(0);
  });
});

describe("fan-out", () => {
  test("wakes nobody before the writer's turn is over, then in order", async () => {
    const woken: string[] = [];
    const fanOut = new FanOut();

    fanOut.add({ wake: () => woken.push("a") });
    fanOut.add({ wake: () => woken.push("b") });
    expect(woken).toEqual([]);

    await turn();
    expect(woken).toEqual(["a", "b"]);
  });

  test("wakes a limited number per turn, those added meanwhile included", async () => {
    let woken = 0;
    const fanOut = new FanOut();
    for (let i = 0; i < 600; i++) fanOut.add({ wake: () => woken++ });

    await turn();
    expect(woken).toBe(256);
    fanOut.add({ wake: () => woken++ });
    await turn();
    expect(woken).toBe(512);
    await turn();
    expect(woken).toBe(601);

    fanOut.add({ wake: () => woken++ });
    await turn();
    expect(woken).toBe(602);
  });
});
