// Bodies of large directories: byte for byte those of a whole answer, a slice a turn, shared and kept.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EtcdError, Listing, Store } from "@kv/store";
import { Listings, type Shown } from "./listings.ts";
import { keyEventJson } from "./write-key-event.ts";

const NOW = 1_700_000_000_000_000_000n;
const PLAIN = { dir: false, value: "v", expiration: null, refresh: false };
const ALL: Shown = { recursive: true, sorted: true };
const LONG = "x".repeat(270_000);

let now = NOW;
const newStore = (): Store => new Store({ namespaces: ["/1"], now: () => now });

/** Turns of an event loop that are called for. */
class Turns {
  readonly #callbacks: (() => void)[] = [];
  readonly defer = (callback: () => void): void => void this.#callbacks.push(callback);

  /** One turn; false when nothing was deferred. */
  next(): boolean {
    const callback = this.#callbacks.shift();
    callback?.();
    return callback !== undefined;
  }

  all(): number {
    let count = 0;
    while (this.next()) count++;
    return count;
  }
}

function listing(store: Store, path: string, shown: Shown): Listing {
  const read = store.read(path, shown);
  if (!(read instanceof Listing)) throw new Error("not large enough");
  return read;
}

function textOf(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString();
}

/** The body, with as many turns as it takes. */
async function print(store: Store, path: string, shown: Shown): Promise<string> {
  const turns = new Turns();
  const body = new Listings(turns.defer).body(listing(store, path, shown), shown);
  turns.all();
  return textOf(await body);
}

test("a body is the text of a get, whatever the names, values and TTLs", async () => {
  const name = fc.oneof(
    fc.constantFrom("a", "b", "_hidden"),
    fc
      .string({ unit: "binary", minLength: 1, maxLength: 4 })
      .filter((text) => !text.includes("/") && text !== "." && text !== ".."),
    fc.constantFrom("\udc80", '"', "\\", "<&>", "\u2028", "\u{1f600}"),
  );
  const entry = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
    value: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"<\udcff>\n', "")),
    dir: fc.boolean(),
    expiration: fc.constantFrom(null, NOW + 1_500_000_000n, NOW, NOW - 5_000_000_000n),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 20 }),
      fc.constantFrom("/1", "/1/d", '/1/d/"q"'),
      fc.boolean(),
      async (entries, path, recursive) => {
        const store = newStore();
        store.set('/1/d/"q"/long', { ...PLAIN, value: LONG });
        store.set("/1/long", { ...PLAIN, value: LONG });
        store.set("/1/d/long", { ...PLAIN, value: LONG });
        for (const { path: below, value, dir, expiration } of entries) {
          try {
            store.set(`${path}/${below}`, { ...PLAIN, value: dir ? "" : value, dir, expiration });
          } catch (error) {
            if (!(error instanceof EtcdError)) throw error;
          }
        }
        const shown = { recursive, sorted: true };

        expect(await print(store, path, shown)).toBe(keyEventJson(store.get(path, shown)));
      },
    ),
  );
});

test("a long body comes in pieces that join without a seam", async () => {
  const store = newStore();
  for (let i = 0; i < 10_000; i++) store.set(`/1/d/é${i}`, PLAIN);
  const turns = new Turns();

  const body = new Listings(turns.defer).body(listing(store, "/1/d", ALL), ALL);
  turns.all();
  const pieces = await body;

  expect(pieces.length).toBeGreaterThan(3);
  expect(textOf(pieces)).toBe(keyEventJson(store.get("/1/d", ALL)));
});

test("listings take turns: a short one is not kept waiting by a long one", async () => {
  const store = newStore();
  for (let i = 0; i < 50_000; i++) store.set(`/1/long/${i}`, PLAIN);
  for (let i = 0; i < 2_000; i++) store.set(`/1/short/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const done: string[] = [];
  const long = Promise.resolve(listings.body(listing(store, "/1/long", ALL), ALL)).then(() =>
    done.push("long"),
  );
  const short = Promise.resolve(listings.body(listing(store, "/1/short", ALL), ALL)).then(() =>
    done.push("short"),
  );

  for (let turn = 0; turn < 10; turn++) turns.next();
  await short;
  expect(done).toEqual(["short"]);

  expect(turns.all()).toBeGreaterThan(20);
  await long;
});

test("readers at the same index share a body, while it is printed and afterwards", async () => {
  const store = newStore();
  for (let i = 0; i < 5_000; i++) store.set(`/1/d/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const first = listings.body(listing(store, "/1/d", ALL), ALL);
  turns.next();

  expect(listings.body(listing(store, "/1/d", ALL), ALL)).toBe(first);
  turns.all();
  expect(listings.body(listing(store, "/1/d", ALL), ALL)).toBe(await first);

  const unsorted = { ...ALL, sorted: false };
  const flat = { ...ALL, recursive: false };
  for (const shown of [unsorted, flat]) {
    expect(listings.body(listing(store, "/1/d", shown), shown)).toBeInstanceOf(Promise);
  }
  store.set("/1/d/0", { ...PLAIN, value: "new" });
  const after = listings.body(listing(store, "/1/d", ALL), ALL);
  expect(after).toBeInstanceOf(Promise);
  turns.all();
  expect(textOf(await after)).toBe(keyEventJson(store.get("/1/d", ALL)));
});

test("a body with a TTL is true only now: it is not kept, nor shared once the TTL is printed", async () => {
  const store = newStore();
  store.set("/1/d/0", { ...PLAIN, expiration: NOW + 10_000_000_000n });
  for (let i = 1; i < 5_000; i++) store.set(`/1/d/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const early = listings.body(listing(store, "/1/d", ALL), ALL);
  turns.next();
  turns.next();
  turns.next();

  now = NOW + 2_000_000_000n;
  const late = listings.body(listing(store, "/1/d", ALL), ALL);
  turns.all();

  expect(textOf(await early)).toContain('"ttl":10,');
  expect(textOf(await late)).toContain('"ttl":8,');
  now = NOW + 5_000_000_000n;
  const later = listings.body(listing(store, "/1/d", ALL), ALL);
  turns.all();
  expect(textOf(await later)).toContain('"ttl":5,');
  now = NOW;
});
