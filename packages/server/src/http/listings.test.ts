// Bodies of large directories: byte for byte those of a whole answer, a slice a turn, shared and kept.

import * as fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { EtcdError, Listing, Store } from "@kv/store";
import { Listings, type ListingRequest } from "./listings.ts";
import { keyEventJson } from "./write-key-event.ts";

const NOW = 1_700_000_000_000_000_000n;
const PLAIN = { dir: false, value: "v", expiration: null, refresh: false };
const { signal } = new AbortController();
const ALL: ListingRequest = { recursive: true, sorted: true, signal };
const LONG = "x".repeat(270_000);

let now = NOW;
afterEach(() => void (now = NOW));

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

function listing(store: Store, path: string, shown: ListingRequest): Listing {
  const read = store.read(path, shown);
  if (!(read instanceof Listing)) throw new Error("not large enough");
  return read;
}

function textOf(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString();
}

/** The body, with as many turns as it takes. */
async function print(store: Store, path: string, shown: ListingRequest): Promise<string> {
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
        const shown = { recursive, sorted: true, signal };

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

test("readers at the same index share a body, while it is printed and afterwards, and cost the store nothing", async () => {
  const store = newStore();
  for (let i = 0; i < 5_000; i++) store.set(`/1/d/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const closes: ReturnType<typeof vi.spyOn>[] = [];
  const ask = (shown = ALL): ReturnType<Listings["body"]> => {
    const asked = listing(store, "/1/d", shown);
    closes.push(vi.spyOn(asked, "close"));
    return listings.body(asked, shown);
  };

  const first = ask();
  turns.next();
  const second = ask();
  expect(closes[1]).toHaveBeenCalledOnce();
  turns.all();
  expect(await second).toBe(await first);
  expect(closes[0]).toHaveBeenCalledOnce();
  expect(ask()).toBe(await first);
  expect(closes[2]).toHaveBeenCalledOnce();

  for (const other of [{ sorted: false }, { recursive: false }]) {
    expect(ask({ ...ALL, ...other })).toBeInstanceOf(Promise);
  }
  store.set("/1/d/0", { ...PLAIN, value: "new" });
  const after = ask();
  turns.all();
  expect(textOf(await after)).toBe(keyEventJson(store.get("/1/d", ALL)));
});

test("what nobody waits for any more is dropped, what somebody still waits for is not", async () => {
  const store = newStore();
  for (let i = 0; i < 50_000; i++) store.set(`/1/d/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const [one, other] = [new AbortController(), new AbortController()];
  const printed = listing(store, "/1/d", ALL);
  const close = vi.spyOn(printed, "close");
  const bodies = [one, other].map((reader, n) => {
    const asked = n === 0 ? printed : listing(store, "/1/d", ALL);
    return listings.body(asked, { ...ALL, signal: reader.signal });
  });

  turns.next();
  one.abort();
  turns.next();
  expect(close).not.toHaveBeenCalled();
  other.abort();

  expect(close).toHaveBeenCalledOnce();
  expect(turns.all()).toBeLessThanOrEqual(1);
  for (const body of bodies) expect(await body).toEqual([]);
  const gone = listings.body(listing(store, "/1/d", ALL), { ...ALL, signal: AbortSignal.abort() });
  expect(turns.all()).toBeLessThanOrEqual(1);
  expect(await gone).toEqual([]);
});

test("of many listings four take turns, and all are printed", async () => {
  const store = newStore();
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const done: number[] = [];
  const bodies = Array.from({ length: 10 }, (_, n) => {
    for (let i = 0; i < 5_000; i++) store.set(`/1/${n}/${i}`, PLAIN);
    const body = listings.body(listing(store, `/1/${n}`, ALL), ALL);
    return Promise.resolve(body).then((pieces) => {
      done.push(n);
      return textOf(pieces);
    });
  });

  // Each takes more than two slices, so the first four are done before the last one begins.
  turns.all();
  const texts = await Promise.all(bodies);

  expect(new Set(done.slice(0, 4))).toEqual(new Set([0, 1, 2, 3]));
  expect(texts).toEqual(Array.from({ length: 10 }, (_, n) => keyEventJson(store.get(`/1/${n}`, ALL))));
});

test("one that cannot be printed fails by itself", async () => {
  const store = newStore();
  for (let i = 0; i < 5_000; i++) store.set(`/1/d/${i}`, PLAIN);
  for (let i = 0; i < 5_000; i++) store.set(`/1/e/${i}`, PLAIN);
  const turns = new Turns();
  const listings = new Listings(turns.defer);
  const broken = listing(store, "/1/d", ALL);
  vi.spyOn(broken, "slices").mockImplementation(function* () {
    yield;
    throw new RangeError("Invalid string length");
  });
  const failing = expect(listings.body(broken, ALL)).rejects.toThrow("Invalid string length");
  const whole = listings.body(listing(store, "/1/e", ALL), ALL);

  turns.all();

  await failing;
  expect(textOf(await whole)).toBe(keyEventJson(store.get("/1/e", ALL)));
  const again = listings.body(listing(store, "/1/d", ALL), ALL);
  turns.all();
  expect(textOf(await again)).toBe(keyEventJson(store.get("/1/d", ALL)));
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
});
