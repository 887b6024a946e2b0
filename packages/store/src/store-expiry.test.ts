// client-api.md §3.5: TTLs, what is printed of them, and what expires when.

import { beforeEach, describe, expect, test } from "vitest";
import type { StoreEvent } from "./event.ts";
import { Store } from "./store.ts";

const SECOND = 1_000_000_000n;
const NOW = 1_700_000_000n * SECOND;
const YEAR_2000 = 946_684_800n * SECOND;

let store: Store;
let events: StoreEvent[];

beforeEach(() => {
  store = new Store({ namespaces: ["/0", "/1"], now: () => NOW });
  events = [];
});

const put = (path: string, expiration: bigint | null, dir = false) =>
  store.set(path, { dir, value: "v", expiration, refresh: false });

function expire(cutoff: bigint): string[] {
  const watcher = store.watch("/", { recursive: true, stream: true, since: 0 });
  store.deleteExpired(cutoff);
  for (let event = watcher.take(); event !== null; event = watcher.take()) events.push(event);
  watcher.close();
  store.checkInvariants();
  return events.map((event) => event.node.key);
}

test.each([
  [10n * SECOND, 10],
  [10n * SECOND - 1n, 10],
  [9n * SECOND + 1n, 10],
  [1n, 1],
  [0n, 0],
  [-1n, 0],
  [-SECOND, -1],
  [-(5n * SECOND) / 2n, -2],
])("%i ns left are printed as %i s", (left, ttl) => {
  expect(put("/1/a", NOW + left).node).toMatchObject({ expiration: NOW + left, ttl });
});

describe("expirations before 2000", () => {
  test("set and create take them for permanent, update and swap store them", () => {
    const past = YEAR_2000 - 1n;
    const created = store.create("/1/c", { dir: true, value: "", unique: false, expiration: past });

    expect(put("/1/a", past).node.expiration).toBeNull();
    expect(created.node.expiration).toBeNull();
    expect(put("/1/b", YEAR_2000).node.expiration).toBe(YEAR_2000);
    expect(store.update("/1/a", { value: "", expiration: past, refresh: false }).node.expiration).toBe(past);
  });

  test("the printed ttl of a wrapped instant stops at 64 bits of nanoseconds, as recorded", () => {
    put("/1/a", null);

    const event = store.update("/1/a", { value: "", expiration: -9_151_314_442n * SECOND, refresh: false });

    expect(event.node.ttl).toBe(-9_223_372_036);
    expect(expire(0n)).toEqual(["/1/a"]);
  });
});

test("nodes expire by instant, then by modifiedIndex, up to and including the cutoff, one index each", () => {
  put("/1/late", NOW + 3n);
  put("/1/second", NOW + 2n);
  put("/1/tie", NOW + 2n);
  put("/1/first", NOW + 1n);
  put("/1/never", null);

  expect(expire(NOW + 2n)).toEqual(["/1/first", "/1/second", "/1/tie"]);

  expect(events.map((event) => event.node.modifiedIndex)).toEqual([6, 7, 8]);
  expect(store.index).toBe(8);
  expect(store.stats().expireCount).toBe(3);
});

test("an expiring directory takes everything with it in one event, and the TTLs below are forgotten", () => {
  put("/1/d", NOW + 5n, true);
  put("/1/d/early", NOW + 1n);
  put("/1/d/sub/late", NOW + 9n);

  expect(expire(NOW + 10n)).toEqual(["/1/d/early", "/1/d"]);

  expect(store.index).toBe(5);
  const [, directory] = events;
  // 2.3.8 does not say `dir` here; prevNode does.
  expect(directory).toMatchObject({
    action: "expire",
    prevNode: { dir: true, expiration: NOW + 5n, ttl: 1 },
  });
  expect(directory?.node).toMatchObject({ dir: false, value: null, expiration: null, createdIndex: 1 });
});

test("a directory without a TTL of its own outlives its children", () => {
  put("/1/d/a", NOW);

  expect(expire(NOW)).toEqual(["/1/d/a"]);
  expect(store.get("/1/d", { recursive: false, sorted: false }).node.nodes).toBeNull();
});

test.each<readonly [string, () => unknown]>([
  ["deleted", () => store.delete("/1/a", { dir: false, recursive: false })],
  ["replaced", () => put("/1/a", null)],
  ["replaced by a directory", () => put("/1/a", null, true)],
  ["updated without a TTL", () => store.update("/1/a", { value: "", expiration: null, refresh: false })],
])("a key that was %s does not expire any more", (_name, change) => {
  put("/1/a", NOW);
  change();

  expect(expire(NOW)).toEqual([]);
});

test("a refreshed TTL counts from then on", () => {
  put("/1/a", NOW);
  store.set("/1/a", { dir: false, value: "", expiration: NOW + SECOND, refresh: true });

  expect(expire(NOW)).toEqual([]);
  expect(expire(NOW + SECOND)).toEqual(["/1/a"]);
});

test("a recursive delete forgets the TTLs below", () => {
  put("/1/d/sub/a", NOW);
  store.delete("/1/d", { dir: false, recursive: true });
  put("/1/d/sub/a", null);

  expect(expire(NOW)).toEqual([]);
});

test("nothing expires by itself: an overdue key is read until the log says so", () => {
  put("/1/a", NOW - 10n * SECOND);

  expect(store.get("/1/a", { recursive: false, sorted: false }).node).toMatchObject({ value: "v", ttl: -10 });
});
