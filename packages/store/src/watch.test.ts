// client-api.md §3.7 with the rulings of §18: who sees which event, and when a watch ends.

import { beforeEach, describe, expect, test } from "vitest";
import { EtcdError } from "./errors.ts";
import { HISTORY_CAPACITY } from "./event-history.ts";
import { Store } from "./store.ts";
import { WATCHER_QUEUE_LIMIT, type Watcher } from "./watcher.ts";

const NOW = 1_700_000_000_000_000_000n;

let store: Store;

beforeEach(() => {
  store = new Store({ namespaces: ["/0", "/1"], now: () => NOW });
});

const put = (path: string, value = "") =>
  store.set(path, { dir: false, value, expiration: null, refresh: false });
const remove = (path: string) => store.delete(path, { dir: true, recursive: true });
const watch = (path: string, options: { recursive?: boolean; stream?: boolean; since?: number } = {}) =>
  store.watch(path, { recursive: false, stream: true, since: 0, ...options });

function drain(watcher: Watcher): string[] {
  const seen: string[] = [];
  for (let event = watcher.take(); event !== null; event = watcher.take()) {
    seen.push(`${event.node.modifiedIndex} ${event.action} ${event.node.key}`);
  }
  return seen;
}

describe("a live watcher", () => {
  type Case = readonly [
    name: string,
    path: string,
    recursive: boolean,
    act: () => unknown,
    seen: readonly string[],
  ];
  // State before each: /1/d/a (index 1), /1/d/_h (2).
  const CASES: readonly Case[] = [
    ["on a key sees a write", "/1/d/a", false, () => put("/1/d/a"), ["3 set /1/d/a"]],
    ["on a directory misses a child", "/1/d", false, () => put("/1/d/a"), []],
    ["above, recursive, sees a child", "/1", true, () => put("/1/d/a"), ["3 set /1/d/a"]],
    ["on the root, recursive, sees all", "/", true, () => put("/0/x"), ["3 set /0/x"]],
    ["misses a sibling", "/1/d/a", true, () => put("/1/d/b"), []],
    ["misses a name with the same beginning", "/1/d", true, () => put("/1/da"), []],
    ["above misses a hidden key", "/1", true, () => put("/1/d/_h"), []],
    ["above misses a key in a hidden directory", "/1", true, () => put("/1/_x/a"), []],
    ["on a hidden key sees it", "/1/d/_h", false, () => put("/1/d/_h"), ["3 set /1/d/_h"]],
    ["on a hidden directory, recursive, sees below", "/1/_x", true, () => put("/1/_x/a"), ["3 set /1/_x/a"]],
    ["on a missing key sees it appear", "/1/n/a", false, () => put("/1/n/a"), ["3 set /1/n/a"]],
    ["does not see directories made on the way", "/1/n", false, () => put("/1/n/a"), []],
    ["on a removed key sees the removal once", "/1/d/a", false, () => remove("/1/d/a"), ["3 delete /1/d/a"]],
    ["on a removed directory sees it once", "/1/d", true, () => remove("/1/d"), ["3 delete /1/d"]],
    ["below a removed directory sees it", "/1/d/a", false, () => remove("/1/d"), ["3 delete /1/d"]],
    [
      "on a hidden key below a removed directory sees it",
      "/1/d/_h",
      false,
      () => remove("/1/d"),
      ["3 delete /1/d"],
    ],
    ["on a key that never was below it does not", "/1/d/b", true, () => remove("/1/d"), []],
    ["above a removed directory sees one event", "/1", true, () => remove("/1/d"), ["3 delete /1/d"]],
    [
      "sees an in-order key of the directory",
      "/1/d",
      true,
      () => store.create("/1/d", { dir: false, value: "", unique: true, expiration: null }),
      ["3 create /1/d/00000000000000000003"],
    ],
    [
      "sees the new TTL of a directory at the new index",
      "/1/d",
      false,
      () => store.update("/1/d", { value: "", expiration: NOW, refresh: false }),
      ["3 update /1/d"],
    ],
    [
      "does not see a refresh",
      "/1/d/a",
      false,
      () => store.set("/1/d/a", { dir: false, value: "", expiration: NOW, refresh: true }),
      [],
    ],
    ["does not see a get", "/1/d/a", false, () => store.get("/1/d/a", { recursive: true, sorted: true }), []],
  ];

  test.each(CASES)("%s, and so does a scan of the history", (_name, path, recursive, act, seen) => {
    put("/1/d/a");
    put("/1/d/_h");
    const live = watch(path, { recursive });

    act();

    expect(drain(live)).toEqual(seen);
    expect(drain(watch(path, { recursive, since: 3 }))).toEqual(seen);
  });

  test("sees an expired directory from below", () => {
    store.set("/1/d", { dir: true, value: "", expiration: NOW, refresh: false });
    put("/1/d/a");
    const watcher = watch("/1/d/a");

    store.deleteExpired(NOW);

    expect(drain(watcher)).toEqual(["3 expire /1/d"]);
    expect(drain(watch("/1/d/a", { since: 3 }))).toEqual(["3 expire /1/d"]);
    expect(drain(watch("/1/d/never", { since: 3 }))).toEqual([]);
  });

  test("ignores events before the index it waits for", () => {
    const watcher = watch("/1/a", { since: 3 });

    for (let i = 0; i < 4; i++) put("/1/a");

    expect(drain(watcher)).toEqual(["3 set /1/a", "4 set /1/a"]);
  });

  test("waits for ever for an index that never comes", () => {
    const watcher = store.watch("/1/a", { recursive: false, stream: true, since: 2n ** 64n - 1n });

    put("/1/a");

    expect(drain(watcher)).toEqual([]);
    expect(watcher.ended).toBe(false);
  });

  test("knows the store index when it began", () => {
    put("/1/a");

    expect(watch("/1/a", { since: 1 }).startIndex).toBe(1);
    expect(watch("/1/a").startIndex).toBe(1);
  });
});

describe("a watch ends", () => {
  test("after the first event when it is a one-shot, live or from the history", () => {
    const live = watch("/1/a", { stream: false });
    put("/1/a");
    put("/1/a");
    const past = watch("/1/a", { stream: false, since: 1 });

    for (const watcher of [live, past]) {
      expect(watcher.ended).toBe(true);
      expect(drain(watcher)).toEqual(["1 set /1/a"]);
    }
    expect(store.stats().watchers).toBe(0);
  });

  test("when its consumer is 100 events behind; those can still be taken", () => {
    const watcher = watch("/1/a");

    for (let i = 0; i < WATCHER_QUEUE_LIMIT; i++) put("/1/a");
    expect(watcher.ended).toBe(false);
    put("/1/a");

    expect(watcher.ended).toBe(true);
    expect(drain(watcher)).toHaveLength(WATCHER_QUEUE_LIMIT);
    expect(store.stats().watchers).toBe(0);
  });

  test("not because of a long history it began with", () => {
    for (let i = 0; i < 3 * WATCHER_QUEUE_LIMIT; i++) put("/1/a");
    const watcher = watch("/1/a", { since: 1 });
    for (let i = 0; i < WATCHER_QUEUE_LIMIT; i++) put("/1/a");

    expect(watcher.ended).toBe(false);
    const seen = drain(watcher);
    expect(seen).toHaveLength(4 * WATCHER_QUEUE_LIMIT);
    expect(seen.map((line) => Number.parseInt(line, 10))).toEqual(seen.map((_line, i) => i + 1));
  });

  test("by the usual limit once the history it began with has been taken", () => {
    for (let i = 0; i < 50; i++) put("/1/a");
    const watcher = watch("/1/a", { since: 1 });
    expect(drain(watcher)).toHaveLength(50);

    for (let i = 0; i <= WATCHER_QUEUE_LIMIT; i++) put("/1/a");

    expect(watcher.ended).toBe(true);
    expect(drain(watcher)).toHaveLength(WATCHER_QUEUE_LIMIT);
  });

  test("when it is closed, twice if need be, and forgets what was queued", () => {
    const watcher = watch("/1/a");
    put("/1/a");

    watcher.close();
    watcher.close();

    expect(watcher.ended).toBe(true);
    expect(watcher.take()).toBeNull();
    expect(store.stats().watchers).toBe(0);
  });

  test("when the store is recovered", () => {
    const watcher = watch("/1/a");
    let calls = 0;
    watcher.onReady = () => calls++;

    store.recover(
      Buffer.concat([...new Store({ now: () => NOW }).freeze().slices()].filter((it) => it !== null)),
    );

    expect(watcher.ended).toBe(true);
    expect(calls).toBe(1);
    expect(store.stats().watchers).toBe(0);
  });
});

describe("onReady", () => {
  test("is called for an event and for the end, after the index has moved", () => {
    const watcher = watch("/1/a");
    const indexes: number[] = [];
    watcher.onReady = () => indexes.push(store.index);

    put("/1/a");
    for (let i = 0; i < WATCHER_QUEUE_LIMIT; i++) put("/1/a");

    expect(indexes).toHaveLength(WATCHER_QUEUE_LIMIT + 1);
    expect(indexes[0]).toBe(1);
  });

  test("may start the next watch and close others while an event is handed out", () => {
    const first = watch("/1/a", { stream: false });
    const second = watch("/1/a");
    let next: Watcher | null = null;
    first.onReady = () => {
      second.close();
      next = watch("/1/a", { stream: false });
    };
    second.onReady = () => expect.unreachable("a closed watcher is not called");

    put("/1/a");
    expect(next).not.toBeNull();
    put("/1/a");

    expect(drain(first)).toEqual(["1 set /1/a"]);
    expect(drain(next ?? first)).toEqual(["2 set /1/a"]);
  });
});

describe("the history", () => {
  test("gives a stream every kept match from an index on, then live ones", () => {
    for (const key of ["a", "b", "a", "_h"]) put(`/1/d/${key}`);
    const watcher = watch("/1/d", { recursive: true, since: 2 });
    put("/1/d/b");

    expect(drain(watcher)).toEqual(["2 set /1/d/b", "3 set /1/d/a", "5 set /1/d/b"]);
  });

  test("finds later changes of the key itself in a recursive scan", () => {
    put("/1/x");
    put("/1/d");

    expect(drain(watch("/1/d", { recursive: true, since: 1 }))).toEqual(["2 set /1/d"]);
  });

  test("does not take a removed /1/d for an ancestor of /1/dother", () => {
    put("/1/d/a");
    put("/1/dother");
    remove("/1/d");

    expect(drain(watch("/1/dother", { since: 3 }))).toEqual([]);
  });

  test("keeps 1,000 events and refuses older indexes", () => {
    for (let i = 0; i < HISTORY_CAPACITY + 5; i++) put("/1/a");

    expect(drain(watch("/1/a", { since: 6, stream: false }))).toEqual(["6 set /1/a"]);
    try {
      watch("/1/none", { since: 5 });
      expect.unreachable("index 5 has been cleared");
    } catch (error) {
      expect(error).toBeInstanceOf(EtcdError);
      expect(error).toMatchObject({
        errorCode: 401,
        etcdCause: "the requested history has been cleared [6/5]",
        index: HISTORY_CAPACITY + 5,
      });
    }
  });

  test("shows the removal of a directory to all below it once what was there is not known", () => {
    put("/1/d/a");
    remove("/1/d");
    store.recover(Buffer.concat([...store.freeze().slices()].filter((it) => it !== null)));

    expect(drain(watch("/1/d/never", { since: 2 }))).toEqual(["2 delete /1/d"]);
  });

  test("an empty one refuses no index", () => {
    expect(drain(watch("/1/a", { since: 1 }))).toEqual([]);
  });
});
