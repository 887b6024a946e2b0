// What recover accepts besides what we write ourselves, and that garbage changes nothing.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { StoreDataError } from "./errors.ts";
import { MAX_PATH_DEPTH } from "./path.ts";
import { Store } from "./store.ts";

const NOW = 1_700_000_000_000_000_000n;

function filledStore(): Store {
  const store = new Store({ namespaces: ["/1"], now: () => NOW });
  store.set("/1/a", { dir: false, value: "é\n", expiration: NOW + 1n, refresh: false });
  store.set("/1/d/b", { dir: false, value: "", expiration: null, refresh: false });
  return store;
}

function encode(store: Store): string {
  return Buffer.concat([...store.freeze().slices()].filter((chunk) => chunk !== null)).toString();
}

const SNAPSHOT = encode(filledStore());

function recovered(text: string): Store {
  const store = new Store({ namespaces: ["/1"], now: () => NOW });
  store.recover(Buffer.from(text));
  return store;
}

test("a recovered store is the same, expires in the same order and goes on counting", () => {
  const store = recovered(SNAPSHOT);

  expect(encode(store)).toBe(SNAPSHOT);
  store.deleteExpired(NOW + 1n);
  expect(store.index).toBe(3);
});

test.each<readonly [name: string, from: string | RegExp, to: string]>([
  ["white space between tokens", /([:,])(?=["{[])/g, "$1 \n\t"],
  [
    "members it does not know",
    '{"Path":"/1/a",',
    '{"ACL":"","X":[1e5,{"y":[true,false,null,"\\""]}],"Path":"/1/a",',
  ],
  ["escapes of other writers", '"é\\n"', '"\\u00e9\\u000A"'],
  ["an instant in another zone", "2023-11-14T22:13:20.000000001Z", "2023-11-15T00:13:20.000000001+02:00"],
  ["members in another order", '"CreatedIndex":1,"ModifiedIndex":1', '"ModifiedIndex":1,"CreatedIndex":1'],
])("%s are read as the same store", (_name, from, to) => {
  const other = SNAPSHOT.replace(from, to);

  expect(other).not.toBe(SNAPSHOT);
  expect(encode(recovered(other))).toBe(SNAPSHOT);
});

test("lone surrogates and bytes that are not UTF-8 become U+FFFD", () => {
  const data = Buffer.from(SNAPSHOT.replaceAll('"é\\n"', '"\\udc80XYZ"'));
  data.fill(0xff, data.indexOf("XYZ"), data.indexOf("XYZ") + 1);
  const store = new Store({ now: () => NOW });

  store.recover(data);

  expect(store.get("/1/a", { recursive: false, sorted: false }).node.value).toBe("\ufffd\ufffdYZ");
});

const DEEP = '{"Children":{"a":'.repeat(5_000);

test.each<readonly [name: string, code: string, text: string]>([
  ["nothing", "E_SYNTAX", ""],
  ["no JSON", "E_SYNTAX", "hello"],
  ["text behind the end", "E_SYNTAX", `${SNAPSHOT}x`],
  ["an array", "E_SYNTAX", "[]"],
  ["an empty object", "E_SHAPE", "{}"],
  ["no history", "E_SHAPE", '{"Root":{"Children":{}},"CurrentIndex":1}'],
  [
    "a file as root",
    "E_SHAPE",
    SNAPSHOT.replace(/^\{"Root":.*?"Children":\{/, '{"Root":{"Children":null,"X":{'),
  ],
  ["a fraction as index", "E_SYNTAX", SNAPSHOT.replace('"CurrentIndex":2', '"CurrentIndex":2.5')],
  ["an index above 2^53", "E_SHAPE", SNAPSHOT.replace('"CurrentIndex":2', '"CurrentIndex":9007199254740993')],
  ["an unknown action", "E_SHAPE", SNAPSHOT.replace('"action":"set"', '"action":"sat"')],
  [
    "a history that does not reach the index",
    "E_SHAPE",
    SNAPSHOT.replace('"CurrentIndex":2', '"CurrentIndex":3'),
  ],
  ["a history with a hole", "E_SHAPE", SNAPSHOT.replace('"Size":2', '"Size":3')],
  ["a bad instant", "E_SHAPE", SNAPSHOT.replace("2023-11-14T22", "2023-11-14 22")],
  ["a slash in a name", "E_SHAPE", SNAPSHOT.replace('"a":{', '"a/b":{')],
  ["a bad escape", "E_SYNTAX", SNAPSHOT.replace("\\n", "\\q")],
  ["bottomless nesting", "E_DEPTH", `{"Root":${DEEP}`],
])("%s is refused with %s, and the store is as before", (_name, code, text) => {
  const store = filledStore();

  try {
    store.recover(Buffer.from(text));
    expect.unreachable("garbage was accepted");
  } catch (error) {
    expect(error).toBeInstanceOf(StoreDataError);
    expect(error).toMatchObject({ code });
  }
  expect(encode(store)).toBe(SNAPSHOT);
});

test("a snapshot cut off or changed anywhere is refused with a StoreDataError or read, never worse", () => {
  const bytes = Buffer.from(SNAPSHOT.replace(/(null,)+null/, "null,null,null"));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
      const damaged = Buffer.from(isCut ? bytes.subarray(0, at) : bytes);
      if (!isCut) damaged.fill(byte, at, at + 1);
      try {
        new Store({ now: () => NOW }).recover(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreDataError);
      }
    }),
    { numRuns: 500 },
  );
});

test("a path of the greatest depth survives", () => {
  const store = new Store({ now: () => NOW });
  const path = "/d".repeat(MAX_PATH_DEPTH);
  store.set(path, { dir: false, value: "v", expiration: NOW, refresh: false });

  const other = recovered(encode(store));

  expect(other.get(path, { recursive: false, sorted: false }).node.value).toBe("v");
  expect(other.get("/", { recursive: true, sorted: true }).node.dir).toBe(true);
  other.delete("/d", { dir: true, recursive: true });
  other.checkInvariants();
});
