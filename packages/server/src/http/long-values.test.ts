import { expect, test } from "vitest";
import { StoreEvent, type NodeExtern } from "@kv/store";
import { LongValues } from "./long-values.ts";
import { keyEventJson } from "./write-key-event.ts";

const MEGABYTE = 1024 * 1024;

function read(fields: Partial<NodeExtern>): StoreEvent {
  const node: NodeExtern = {
    key: "/1/a",
    value: "v".repeat(MEGABYTE),
    dir: false,
    expiration: null,
    ttl: 0,
    nodes: null,
    modifiedIndex: 5,
    createdIndex: 4,
    ...fields,
  };
  return new StoreEvent("get", node, null, 9, { refresh: false });
}

test.each<[string, Partial<NodeExtern>]>([
  ["a short value", { value: "v" }],
  ["a long value", {}],
  [
    "a long value with characters that are escaped, or have several bytes",
    { value: '"<é😀\n'.repeat(20_000) },
  ],
  ["a long value with a TTL", { expiration: 1_000_000_000n, ttl: 3 }],
  ["a directory", { value: null, dir: true }],
])("%s reads as it is printed, the second time too", (_, fields) => {
  const values = new LongValues();
  const event = read(fields);

  const bodies = [values.body(event), values.body(event)];

  expect(bodies.map(String)).toEqual([keyEventJson(event), keyEventJson(event)]);
});

test("a version of a long value is printed once", () => {
  const values = new LongValues();

  expect(values.body(read({}))).toBe(values.body(read({})));
});

test("what is kept holds no memory beyond its own", () => {
  const body = new LongValues().body(read({ value: "v".repeat(16_384) }));

  if (typeof body === "string") throw new Error("a value of this length is kept as bytes");
  expect(body.buffer.byteLength).toBe(body.length);
});

test.each<[string, Partial<NodeExtern>]>([
  ["a later version", { value: "w".repeat(MEGABYTE), modifiedIndex: 6 }],
  ["a file made anew", { value: "w".repeat(MEGABYTE), modifiedIndex: 5, createdIndex: 5 }],
  ["another file", { key: "/1/b", value: "w".repeat(MEGABYTE) }],
])("%s is not taken for the one that is kept", (_, fields) => {
  const values = new LongValues();
  values.body(read({}));

  expect(String(values.body(read(fields)))).toBe(keyEventJson(read(fields)));
});

test("what a TTL leaves is printed anew for each read", () => {
  const values = new LongValues();
  values.body(read({ expiration: 9_000_000_000n, ttl: 9 }));

  expect(String(values.body(read({ expiration: 9_000_000_000n, ttl: 8 })))).toContain('"ttl":8');
});

test("at most 16 MiB are kept: who was read least recently goes, and longer ones never come", () => {
  const values = new LongValues();
  const keys = Array.from({ length: 15 }, (_, n) => `/1/${n}`);
  const first = keys.map((key) => values.body(read({ key })));
  values.body(read({ key: "/1/0" }));
  values.body(read({ key: "/1/huge", value: "v".repeat(17 * MEGABYTE) }));

  values.body(read({ key: "/1/one-more" }));

  const isKept = keys.map((key, n) => values.body(read({ key })) === first[n]);
  // Reading "/1/1" again to look at it puts "/1/2" out, and so on: only the one that was used is still there.
  expect(isKept[0]).toBe(true);
  expect(isKept[1]).toBe(false);
});
