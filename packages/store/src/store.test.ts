// client-api.md §3.1 to §3.4, §3.6 and §8: which operation does what, and what it refuses.

import { beforeEach, describe, expect, test } from "vitest";
import { EtcdError } from "./errors.ts";
import { Store } from "./store.ts";

const FUTURE = 1_800_000_000_000_000_000n;
const PLAIN_SET = { dir: false, value: "", expiration: null, refresh: false };
const PLAIN_UPDATE = { value: "", expiration: null, refresh: false };
const ANY = { prevValue: "", prevIndex: 0 };
const ONE_LEVEL = { recursive: false, sorted: true };

let store: Store;

beforeEach(() => {
  store = new Store({ namespaces: ["/0", "/1"], now: () => FUTURE - 10_000_000_000n });
});

const put = (path: string, value: string) => store.set(path, { ...PLAIN_SET, value });
const makeDirectory = (path: string) => store.set(path, { ...PLAIN_SET, dir: true });
const get = (path: string) => store.get(path, ONE_LEVEL).node;

const refresh = (path: string) => store.set(path, { ...PLAIN_SET, refresh: true, expiration: FUTURE });
const create = (path: string, unique: boolean) =>
  store.create(path, { dir: false, value: "", unique, expiration: null });
const update = (path: string, value: string) => store.update(path, { ...PLAIN_UPDATE, value });
const swap = (path: string, condition: { prevValue?: string; prevIndex?: number | bigint }) =>
  store.compareAndSwap(path, { ...PLAIN_UPDATE, ...ANY, ...condition });
const remove = (path: string, recursive: boolean) => store.delete(path, { dir: false, recursive });
const keysOf = (path: string, recursive = false): string[] =>
  (store.get(path, { recursive, sorted: true }).node.nodes ?? []).map((node) => node.key);

function errorOf(action: () => unknown): { code: number; cause: string; index: number } {
  try {
    action();
  } catch (error) {
    if (error instanceof EtcdError) {
      return { code: error.errorCode, cause: error.etcdCause, index: error.index };
    }
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("refusals", () => {
  type Refusal = readonly [name: string, action: () => unknown, code: number, cause: string];
  // State before each: file /1/f = "v" (index 1), directory /1/d with /1/d/x (2), empty directory /1/e (3).
  const CASES: readonly Refusal[] = [
    ["get of a missing key", () => get("/1/a"), 100, "/1/a"],
    ["get below a missing key names the first one missing", () => get("/1/d/y/z"), 100, "/1/d/y"],
    ["get below a file", () => get("/1/f/a/b"), 104, "/1/f"],
    ["set on the root", () => put("/", "v"), 107, "/"],
    ["set on a namespace", () => put("/1", "v"), 107, "/"],
    ["set below a file", () => put("/1/f/a", "v"), 104, "/1/f"],
    ["set on a directory", () => put("/1/d", "v"), 102, "/1/d"],
    ["set of a directory on a directory", () => makeDirectory("/1/d"), 102, "/1/d"],
    ["refresh of a missing key", () => refresh("/1/n/a"), 100, "/1/n"],
    ["refresh of a directory by a plain set", () => refresh("/1/d"), 102, "/1/d"],
    ["refresh below a file", () => refresh("/1/f/a"), 104, "/1/f"],
    ["create on the root", () => create("/1", false), 107, "/"],
    ["create of a file that exists", () => create("/1/f", false), 105, "/1/f"],
    ["create of a directory that exists", () => create("/1/d", false), 105, "/1/d"],
    ["create below a file", () => create("/1/f/a", false), 104, "/1/f"],
    ["in-order key in a file", () => create("/1/f", true), 104, "/1/f"],
    ["update on the root", () => update("/1", ""), 107, "/"],
    ["update of a missing key", () => update("/1/a", "v"), 100, "/1/a"],
    ["update of a directory with a value", () => update("/1/d", "v"), 102, "/1/d"],
    ["swap on the root", () => swap("/1", {}), 107, "/"],
    ["swap of a missing key", () => swap("/1/a", {}), 100, "/1/a"],
    ["swap of a directory", () => swap("/1/d", { prevIndex: 2 }), 102, "/1/d"],
    ["swap with a wrong index", () => swap("/1/f", { prevIndex: 7 }), 101, "[7 != 1]"],
    ["swap with a wrong value", () => swap("/1/f", { prevValue: "w" }), 101, "[w != v]"],
    ["swap with both wrong", () => swap("/1/f", { prevValue: "w", prevIndex: 7 }), 101, "[w != v] [7 != 1]"],
    ["swap with only the value right", () => swap("/1/f", { prevValue: "v", prevIndex: 7 }), 101, "[7 != 1]"],
    ["swap with only the index right", () => swap("/1/f", { prevValue: "w", prevIndex: 1 }), 101, "[w != v]"],
    [
      "swap with an index above 2^53",
      () => swap("/1/f", { prevIndex: 2n ** 64n - 1n }),
      101,
      "[18446744073709551615 != 1]",
    ],
    ["delete of the root", () => remove("/1", true), 107, "/"],
    ["delete of a missing key", () => remove("/1/a", true), 100, "/1/a"],
    ["delete of a directory as a file", () => remove("/1/e", false), 102, "/1/e"],
    ["delete of a full directory", () => store.delete("/1/d", { dir: true, recursive: false }), 108, "/1/d"],
    ["compare and delete of the root", () => store.compareAndDelete("/1", ANY), 102, "/1"],
    ["compare and delete of a directory", () => store.compareAndDelete("/1/d", ANY), 102, "/1/d"],
    ["compare and delete of a missing key", () => store.compareAndDelete("/1/a", ANY), 100, "/1/a"],
    [
      "compare and delete with a wrong value",
      () => store.compareAndDelete("/1/f", { prevValue: "w", prevIndex: 0 }),
      101,
      "[w != v]",
    ],
  ];
  test.each(CASES)("%s is refused and leaves no trace", (_name, action, code, cause) => {
    put("/1/f", "v");
    put("/1/d/x", "");
    makeDirectory("/1/e");
    const before = store.get("/", { recursive: true, sorted: true }).node;

    expect(errorOf(action)).toEqual({ code, cause, index: 3 });

    expect(store.get("/", { recursive: true, sorted: true }).node).toEqual(before);
    expect(store.index).toBe(3);
  });
});

describe("set", () => {
  test("creates a file and the directories above it at one index", () => {
    const event = put("/1/a/b/c", "v");

    expect(event).toMatchObject({ action: "set", prevNode: null, etcdIndex: 1, refresh: false });
    expect(event.node).toEqual({
      key: "/1/a/b/c",
      value: "v",
      dir: false,
      expiration: null,
      ttl: 0,
      nodes: null,
      modifiedIndex: 1,
      createdIndex: 1,
    });
    expect(event.isCreated()).toBe(true);
    expect(get("/1/a/b")).toMatchObject({ dir: true, expiration: null, createdIndex: 1, modifiedIndex: 1 });
  });

  test("replaces a file: both indexes are new, the TTL is gone, the answer shows the old one", () => {
    store.set("/1/a", { ...PLAIN_SET, value: "1", expiration: FUTURE });

    const event = put("/1/a", "2");

    expect(event.isCreated()).toBe(false);
    expect(event.node).toMatchObject({
      value: "2",
      expiration: null,
      ttl: 0,
      modifiedIndex: 2,
      createdIndex: 2,
    });
    expect(event.prevNode).toMatchObject({ value: "1", expiration: FUTURE, ttl: 10, createdIndex: 1 });
  });

  test("replaces a file by an empty directory, and ignores the value of a directory", () => {
    put("/1/a", "1");

    const event = store.set("/1/a", { ...PLAIN_SET, dir: true, value: "ignored" });

    expect(event.node).toMatchObject({ dir: true, value: null, createdIndex: 2 });
    expect(event.prevNode).toMatchObject({ value: "1" });
    expect(put("/1/a/b", "").node.createdIndex).toBe(3);
  });

  test("takes the path in any spelling", () => {
    expect(put("1//x/../a/./b/", "v").node.key).toBe("/1/a/b");
  });
});

describe("create", () => {
  test("makes a file once, and a directory", () => {
    const file = store.create("/1/a", { dir: false, value: "v", unique: false, expiration: null });
    const directory = store.create("/1/d", { dir: true, value: "v", unique: false, expiration: FUTURE });

    expect(file).toMatchObject({ action: "create", prevNode: null, node: { value: "v", createdIndex: 1 } });
    expect(directory.node).toMatchObject({ dir: true, value: null, expiration: FUTURE, ttl: 10 });
    expect(file.isCreated() && directory.isCreated()).toBe(true);
  });

  test("names an in-order key by the index of the operation, 20 digits, also in a namespace itself", () => {
    const options = { dir: false, value: "v", unique: true, expiration: null };

    expect(store.create("/1/q", options).node.key).toBe("/1/q/00000000000000000001");
    expect(store.create("/1", options).node.key).toBe("/1/00000000000000000002");
    expect(store.create("/1/q", { ...options, dir: true }).node).toMatchObject({
      key: "/1/q/00000000000000000003",
      dir: true,
    });
  });
});

describe("update and compareAndSwap", () => {
  test("update writes the value, drops the TTL and keeps createdIndex", () => {
    store.set("/1/a", { ...PLAIN_SET, value: "1", expiration: FUTURE });

    const event = store.update("/1/a", { ...PLAIN_UPDATE, value: "2" });

    expect(event).toMatchObject({ action: "update", prevNode: { value: "1", expiration: FUTURE } });
    expect(event.node).toMatchObject({ value: "2", expiration: null, modifiedIndex: 2, createdIndex: 1 });
    expect(get("/1/a")).toMatchObject({ value: "2", modifiedIndex: 2, createdIndex: 1 });
  });

  test("update of a directory changes its TTL and shows an index the directory does not keep", () => {
    makeDirectory("/1/d");

    const event = store.update("/1/d", { ...PLAIN_UPDATE, expiration: FUTURE });

    expect(event.node).toMatchObject({ dir: true, value: null, expiration: FUTURE, modifiedIndex: 2 });
    expect(get("/1/d")).toMatchObject({ expiration: FUTURE, modifiedIndex: 1, createdIndex: 1 });
  });

  test.each([
    ["value", { prevValue: "1", prevIndex: 0 }],
    ["index", { prevValue: "", prevIndex: 1 }],
    ["value and index", { prevValue: "1", prevIndex: 1n }],
  ])("swap happens when the %s given matches", (_name, condition) => {
    put("/1/a", "1");

    const event = store.compareAndSwap("/1/a", { ...PLAIN_UPDATE, ...condition, value: "2" });

    expect(event).toMatchObject({
      action: "compareAndSwap",
      node: { value: "2", modifiedIndex: 2, createdIndex: 1 },
    });
    expect(event.prevNode).toMatchObject({ value: "1", modifiedIndex: 1 });
  });

  test("values are compared byte for byte, stray bytes too", () => {
    put("/1/a", "\udcff");

    expect(() => store.compareAndSwap("/1/a", { ...PLAIN_UPDATE, ...ANY, prevValue: "\udcfe" })).toThrow(
      "Compare",
    );
    expect(store.compareAndSwap("/1/a", { ...PLAIN_UPDATE, ...ANY, prevValue: "\udcff" }).etcdIndex).toBe(2);
  });
});

describe("refresh", () => {
  const REFRESH = { value: "", expiration: FUTURE, refresh: true };

  test("set keeps the value, renews the TTL and resets createdIndex", () => {
    put("/1/a", "v");

    const event = store.set("/1/a", { ...REFRESH, dir: false });

    expect(event).toMatchObject({ action: "set", refresh: true, prevNode: { value: "v", createdIndex: 1 } });
    expect(event.node).toMatchObject({ value: "v", expiration: FUTURE, modifiedIndex: 2, createdIndex: 2 });
  });

  test("update and swap keep the value and createdIndex", () => {
    put("/1/a", "v");

    expect(store.update("/1/a", REFRESH).node).toMatchObject({
      value: "v",
      modifiedIndex: 2,
      createdIndex: 1,
    });
    expect(store.compareAndSwap("/1/a", { ...REFRESH, ...ANY, prevIndex: 2 }).node).toMatchObject({
      value: "v",
      modifiedIndex: 3,
      createdIndex: 1,
    });
  });

  test("update renews the TTL of a directory", () => {
    makeDirectory("/1/d");

    expect(store.update("/1/d", REFRESH).node).toMatchObject({ dir: true, expiration: FUTURE });
  });
});

describe("delete and compareAndDelete", () => {
  test("delete shows the old node and keeps its createdIndex", () => {
    put("/1/a", "v");

    const event = store.delete("/1/a", { dir: false, recursive: true });

    expect(event).toMatchObject({ action: "delete", prevNode: { value: "v", modifiedIndex: 1 } });
    expect(event.node).toMatchObject({
      key: "/1/a",
      value: null,
      dir: false,
      modifiedIndex: 2,
      createdIndex: 1,
    });
    expect(errorOf(() => get("/1/a")).code).toBe(100);
  });

  test("delete of a directory costs one index, and prevNode does not list the children", () => {
    put("/1/d/a", "1");
    put("/1/d/_b", "2");

    const event = store.delete("/1/d", { dir: false, recursive: true });

    expect(event).toMatchObject({
      etcdIndex: 3,
      node: { dir: true, value: null },
      prevNode: { dir: true, nodes: null },
    });
    expect(get("/1").nodes).toBeNull();
  });

  test("an empty directory goes away with dir alone", () => {
    makeDirectory("/1/d");

    expect(store.delete("/1/d", { dir: true, recursive: false }).node.dir).toBe(true);
  });

  test("compareAndDelete removes a file whose condition holds", () => {
    put("/1/a", "v");

    const event = store.compareAndDelete("/1/a", { prevValue: "v", prevIndex: 1 });

    expect(event).toMatchObject({
      action: "compareAndDelete",
      node: { value: null, createdIndex: 1 },
      etcdIndex: 2,
    });
  });
});

describe("get", () => {
  test("lists one level, and directories below it without their children", () => {
    put("/1/d/sub/x", "");
    put("/1/d/a", "");

    expect(store.get("/1/d", ONE_LEVEL)).toMatchObject({ action: "get", prevNode: null, etcdIndex: 2 });
    expect(keysOf("/1/d")).toEqual(["/1/d/a", "/1/d/sub"]);
    expect(get("/1/d").nodes?.[1]).toMatchObject({ dir: true, value: null, nodes: null });
  });

  test("a peek shows the value of a file and is not counted", () => {
    put("/1/d/a", "x");
    const before = store.stats();

    expect(store.peek("/1/d/a")).toBe("x");
    expect(store.peek("/1/d")).toBeNull();
    expect(store.peek("/1/none/a")).toBeNull();
    expect(store.stats()).toEqual(before);
  });

  test("lists all levels when recursive", () => {
    put("/1/d/sub/x", "");

    expect(store.get("/1/d", { recursive: true, sorted: true }).node.nodes?.[0]?.nodes?.[0]?.key).toBe(
      "/1/d/sub/x",
    );
  });

  test("never lists hidden nodes, at any depth, but shows one that is asked for", () => {
    put("/1/d/_h/x", "");
    put("/1/d/_h/_y", "");
    put("/1/d/sub/_", "");

    expect(keysOf("/1/d", true)).toEqual(["/1/d/sub"]);
    expect(store.get("/1/d", { recursive: true, sorted: true }).node.nodes?.[0]?.nodes).toBeNull();
    expect(keysOf("/1/d/_h")).toEqual(["/1/d/_h/x"]);
  });

  test("sorts by bytes, not by UTF-16 units", () => {
    for (const name of ["\ufffd", "😀", "z", "Z", "é"]) put(`/1/${name}`, "");

    expect(keysOf("/1")).toEqual(["/1/Z", "/1/z", "/1/é", "/1/\ufffd", "/1/😀"]);
  });

  test("shows the root as / with its namespaces", () => {
    expect(get("/")).toMatchObject({ key: "/", dir: true, modifiedIndex: 0, createdIndex: 0 });
    expect(keysOf("/")).toEqual(["/0", "/1"]);
  });

  test("an event keeps showing the node as it was", () => {
    const event = put("/1/a", "1");

    put("/1/a", "2");

    expect(event.node).toMatchObject({ value: "1", modifiedIndex: 1 });
  });
});

test("stats count successes and failures by operation, in etcd's order", () => {
  put("/1/a", "1");
  put("/1/a", "2");
  errorOf(() => put("/1/a/b", ""));
  get("/1/a");
  errorOf(() => get("/1/b"));
  errorOf(() => store.create("/1/a", { dir: false, value: "", unique: false, expiration: null }));
  errorOf(() => store.update("/1/b", PLAIN_UPDATE));
  errorOf(() => store.compareAndSwap("/1/a", { ...PLAIN_UPDATE, ...ANY, prevIndex: 9 }));
  errorOf(() => store.delete("/1/b", { dir: false, recursive: false }));
  store.compareAndDelete("/1/a", { prevValue: "2", prevIndex: 0 });
  store.watch("/1", { recursive: true, stream: true, since: 0 });

  expect(JSON.stringify(store.stats())).toBe(
    '{"getsSuccess":1,"getsFail":1,"setsSuccess":2,"setsFail":1,"deleteSuccess":0,"deleteFail":1,' +
      '"updateSuccess":0,"updateFail":1,"createSuccess":0,"createFail":1,"compareAndSwapSuccess":0,' +
      '"compareAndSwapFail":1,"compareAndDeleteSuccess":1,"compareAndDeleteFail":0,"expireCount":0,"watchers":1}',
  );
});
