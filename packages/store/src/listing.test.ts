// Listings: what they show, that it is of one moment whatever is written meanwhile, and the work of one slice.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EtcdError } from "./errors.ts";
import { Listing, type ListingSink } from "./listing.ts";
import type { NodeExtern } from "./node-extern.ts";
import type { NodeFields } from "./picture.ts";
import { Store } from "./store.ts";
import { Tree } from "./tree.ts";

const NOW = 1_700_000_000_000_000_000n;
const newStore = (): Store => new Store({ namespaces: ["/1"], now: () => NOW });
const PLAIN = { dir: false, value: "v", expiration: null, refresh: false };
const ALL = { recursive: true, sorted: true };

/** So long that a slice ends behind it. */
const LONG = "x".repeat(1 << 20);

/** Puts a listing together again as the event of a get has it. */
class Collector implements ListingSink {
  node: NodeExtern | null = null;
  readonly #path: string;
  readonly #open: { node: NodeExtern; nodes: NodeExtern[] }[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  file(name: string, { value, ...fields }: NodeFields, ttl: number): void {
    this.#open
      .at(-1)
      ?.nodes.push({ ...indexesOf(fields), key: this.#keyOf(name), value, dir: false, ttl, nodes: null });
  }

  enter(name: string, fields: NodeFields, ttl: number): void {
    const node = { ...indexesOf(fields), key: this.#keyOf(name), value: null, dir: true, ttl, nodes: null };
    this.#open.push({ node, nodes: [] });
  }

  leave(fields: NodeFields): void {
    const closed = this.#open.pop();
    if (closed === undefined) throw new Error("nothing was entered");
    const { node, nodes } = closed;
    expect(indexesOf(fields)).toEqual(indexesOf(node));
    const whole = { ...node, nodes: nodes.length === 0 ? null : nodes };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.node = whole;
    else parent.nodes.push(whole);
  }

  #keyOf(name: string): string {
    const above = this.#open.at(-1)?.node.key;
    return above === undefined ? this.#path : `${above}/${name}`;
  }
}

function indexesOf({
  createdIndex,
  modifiedIndex,
  expiration,
}: Omit<NodeFields, "value">): Omit<NodeFields, "value"> {
  return { createdIndex, modifiedIndex, expiration };
}

/** All of a listing; `between` is called after each slice. */
function collect(listing: Listing, between: (slice: number) => void = () => {}): NodeExtern | null {
  const sink = new Collector(listing.path);
  let slice = 0;
  for (const _ of listing.slices(sink)) between(slice++);
  return sink.node;
}

function inOrderOfKeys(node: NodeExtern): NodeExtern {
  const nodes = node.nodes?.map(inOrderOfKeys).toSorted((a, b) => (a.key < b.key ? -1 : 1)) ?? null;
  return { ...node, nodes };
}

function large(store: Store, path: string, options: { recursive: boolean; sorted: boolean }): Listing {
  const read = store.read(path, options);
  if (!(read instanceof Listing)) throw new Error("not large enough for a listing");
  return read;
}

const key = (i: number): string => `/1/d/${(i * 7_919) % 20_000}`;

describe("read", () => {
  test("of little is the event of a get", () => {
    const store = newStore();
    store.set("/1/d/a", PLAIN);

    expect(store.read("/1/d", ALL)).toEqual(store.get("/1/d", ALL));
    expect(store.read("/1/d/a", ALL)).toEqual(store.get("/1/d/a", ALL));
    expect(store.stats().getsSuccess).toBe(4);
  });

  test("of a long file is the event of a get", () => {
    const store = newStore();
    store.set("/1/a", { ...PLAIN, value: LONG });

    expect(store.read("/1/a", ALL)).toEqual(store.get("/1/a", ALL));
  });

  test("is refused like a get", () => {
    const store = newStore();

    expect(() => store.read("/1/d", ALL)).toThrow(EtcdError);
    expect(() => store.countRead("/1/d")).toThrow(EtcdError);
    expect(store.stats()).toMatchObject({ getsSuccess: 0, getsFail: 2 });
  });

  test("that is only counted counts", () => {
    const store = newStore();
    store.countRead("/1");
    expect(store.stats()).toMatchObject({ getsSuccess: 1, getsFail: 0 });
  });

  test("counts what is shown: many children, many below them if asked for, and long values", () => {
    const store = newStore();
    for (let i = 0; i < 1_000; i++) store.set(`/1/many/${i}`, PLAIN);
    store.set("/1/long/a", { ...PLAIN, value: LONG });
    store.set("/1/long/b/c", PLAIN);
    store.set("/1/deep/long/a", { ...PLAIN, value: LONG });
    const isListing = (path: string, recursive: boolean): boolean => {
      const read = store.read(path, { recursive, sorted: false });
      if (read instanceof Listing) read.close();
      return read instanceof Listing;
    };

    expect(isListing("/1/many", false)).toBe(false);
    for (let i = 0; i < 100; i++) store.set(`/1/many/more${i}`, PLAIN);
    expect(isListing("/1/many", false)).toBe(true);
    expect(isListing("/1", false)).toBe(false);
    expect(isListing("/1", true)).toBe(true);
    expect(isListing("/1/long", false)).toBe(true);
    expect(isListing("/1/deep", false)).toBe(false);
    expect(isListing("/1/deep", true)).toBe(true);
    expect(isListing("/1/long/b", true)).toBe(false);
  });
});

describe("a listing", () => {
  const names = fc.constantFrom("a", "b", "c", "_h", "é", "\u{1f600}", "\ufffd");
  const path = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) => `/1/d/${parts.join("/")}`);
  const expiration = fc.constantFrom(null, null, NOW + 5_000_000_000n);
  const operation = fc.oneof(
    fc.record({ do: fc.constant("set" as const), path, expiration, long: fc.boolean() }),
    fc.record({ do: fc.constant("dir" as const), path, expiration }),
    fc.record({ do: fc.constant("delete" as const), path }),
    fc.record({ do: fc.constant("expire" as const) }),
  );
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

  function carryOut(store: Store, what: Operation): void {
    try {
      if (what.do === "expire") store.deleteExpired(NOW + 6_000_000_000n);
      else if (what.do === "delete") store.delete(what.path, { dir: true, recursive: true });
      else if (what.do === "dir") store.set(what.path, { ...PLAIN, dir: true, expiration: what.expiration });
      else {
        const value = what.long ? LONG : "v";
        store.set(what.path, { ...PLAIN, value, expiration: what.expiration });
      }
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
  }

  test("shows what a get showed at its moment, whatever is written between its slices", () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 30 }),
        fc.array(operation, { maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        (before, meanwhile, recursive, sorted) => {
          const store = newStore();
          store.set("/1/d/0", { ...PLAIN, value: LONG });
          for (const what of before) carryOut(store, what);
          const then = store.get("/1/d", { recursive, sorted });
          const listing = large(store, "/1/d", { recursive, sorted });
          const index = store.index;

          const shown = collect(listing, () => {
            for (const what of meanwhile.splice(0, 2)) carryOut(store, what);
          });

          expect(listing.index).toBe(index);
          if (shown === null) throw new Error("nothing was shown");
          if (sorted) expect(shown).toEqual(then.node);
          expect(inOrderOfKeys(shown)).toEqual(inOrderOfKeys(then.node));
          store.checkInvariants();
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([true, false])("of so many children that they are gathered in steps: sorted %j", (sorted) => {
    const store = newStore();
    for (let i = 0; i < 20_000; i++) store.set(key(i), PLAIN);
    const then = store.get("/1/d", { recursive: false, sorted });
    const listing = large(store, "/1/d", { recursive: false, sorted });

    let slices = 0;
    const shown = collect(listing, (slice) => {
      slices++;
      // Of the first run and of the last, which are gathered already and not yet.
      for (const i of [slice * 10, 19_999 - slice * 10])
        store.delete(key(i), { dir: false, recursive: false });
      store.set(`/1/d/new${slice}`, PLAIN);
      store.set(key(5_000 + slice), { ...PLAIN, value: "other" });
    });

    expect(slices).toBeGreaterThan(10);
    if (sorted) expect(shown).toEqual(then.node);
    else if (shown !== null) expect(inOrderOfKeys(shown)).toEqual(inOrderOfKeys(then.node));
  });

  test("goes on when the store is replaced by a snapshot", () => {
    const store = newStore();
    for (let i = 0; i < 5_000; i++) store.set(`/1/d/${i}`, PLAIN);
    const then = store.get("/1/d", ALL);
    const empty = Buffer.concat([...newStore().freeze().slices()].filter((chunk) => chunk !== null));

    expect(collect(large(store, "/1/d", ALL), (slice) => slice === 0 && store.recover(empty))).toEqual(
      then.node,
    );
  });

  test("is walked once", () => {
    const store = newStore();
    store.set("/1/d/a", { ...PLAIN, value: LONG });
    const listing = large(store, "/1/d", ALL);
    collect(listing);

    expect(() => collect(listing)).toThrow("a listing is walked once");
  });

  test.each<[string, (listing: Listing) => void]>([
    ["is closed", (listing) => listing.close()],
    ["has been walked", (listing) => void collect(listing)],
    [
      "is left",
      (listing) => {
        for (const _ of listing.slices(new Collector("/d"))) break;
      },
    ],
  ])("costs the store nothing any more when it %s", (_what, end) => {
    const tree = new Tree();
    const file = tree.add(tree.locate("/d/a", 0), "/d/a", { dir: false, value: LONG, expiration: null }, 1);
    if (file.parent === null) throw new Error("a file has a directory");
    const listing = new Listing(tree, file.parent, 1, { path: "/d", ...ALL }, () => NOW);
    expect(tree.listeners.size).toBe(1);

    end(listing);

    expect(tree.listeners.size).toBe(0);
  });

  test("a slice is little text, also where long values are written over before it comes to them", () => {
    const store = newStore();
    for (let i = 0; i < 500; i++) store.set(`/1/d/${i}`, { ...PLAIN, value: "x".repeat(10_000) });
    const listing = large(store, "/1/d", ALL);
    for (let i = 0; i < 500; i++) store.set(`/1/d/${i}`, PLAIN);
    const handed = [0];
    const file = (_name: string, { value }: NodeFields): void => {
      handed[handed.length - 1]! += value.length; // there is always one
    };
    for (const _ of listing.slices({ file, enter: () => {}, leave: () => {} })) handed.push(0);

    expect(handed.reduce((sum, each) => sum + each)).toBe(5_000_000);
    expect(Math.max(...handed)).toBeLessThan(550_000);
  });

  test("removals of a whole directory while it is gathered are little work at a time, too", () => {
    const store = newStore();
    for (let i = 0; i < 30_000; i++) store.set(`/1/d/${i}`, { ...PLAIN, expiration: NOW });
    const then = store.get("/1/d", ALL);
    const listing = large(store, "/1/d", ALL);

    let slices = 0;
    const shown = collect(listing, (slice) => {
      slices++;
      if (slice === 0) store.deleteExpired(NOW);
    });

    expect(shown).toEqual(then.node);
    expect(slices).toBeGreaterThan(20); // 15 of printing, and one for every 4,096 that were gathered
  });

  test("the path is the cleaned one, whatever else is passed", () => {
    const store = newStore();
    store.set("/1/d/a", { ...PLAIN, value: LONG });
    const request = { path: "/1//d/", ...ALL };

    expect(store.read(request.path, request)).toMatchObject({ path: "/1/d" });
  });

  test("a slice is little work", () => {
    const store = newStore();
    for (let i = 0; i < 10_000; i++) store.set(`/1/d/${i % 10}/${i}`, PLAIN);
    const handed: number[] = [0];
    const count = (): void => {
      handed[handed.length - 1]!++; // there is always one
    };
    for (const _ of large(store, "/1/d", ALL).slices({ file: count, enter: count, leave: count }))
      handed.push(0);

    expect(handed.reduce((sum, each) => sum + each)).toBe(10_000 + 2 * 11);
    expect(Math.max(...handed)).toBeLessThanOrEqual(2_100);
  });
});
