import { describe, expect, test } from "vitest";
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

/** The event of a write in place of what `read` gives. */
function write(fields: Partial<NodeExtern>, before: Partial<NodeExtern> = {}): StoreEvent {
  const event = read({ value: "w".repeat(MEGABYTE), modifiedIndex: 6, createdIndex: 6, ...fields });
  return new StoreEvent("set", event.node, read(before).node, 10, { refresh: false });
}

function textOf(body: ReturnType<LongValues["body"]>): string {
  return typeof body === "string" ? body : body.map((piece) => Buffer.from(piece).toString()).join("");
}

/** The quoted values in a body. */
function valuesIn(body: ReturnType<LongValues["body"]>): readonly Uint8Array[] {
  return typeof body === "string" ? [] : body.filter((piece) => typeof piece !== "string");
}

const FIELDS: readonly [string, Partial<NodeExtern>][] = [
  ["a short value", { value: "v" }],
  ["a long value", {}],
  [
    "a long value with characters that are escaped, or have several bytes",
    { value: '"<é😀\n'.repeat(20_000) },
  ],
  ["a key with characters that are escaped, or have several bytes", { key: '/1/"é😀' }],
  ["a long value with a TTL", { expiration: 1_000_000_000n, ttl: 3 }],
  ["a directory", { value: null, dir: true }],
];

test.each(FIELDS)("%s reads as it is printed, the second time too", (_, fields) => {
  const values = new LongValues();
  const event = read(fields);

  const bodies = [values.body(event), values.body(event)];

  expect(bodies.map(textOf)).toEqual([keyEventJson(event), keyEventJson(event)]);
});

describe.each(FIELDS)("in place of %s", (_, before) => {
  test.each(FIELDS)("%s is printed with what was there", (__, fields) => {
    const key = fields.key ?? before.key ?? "/1/a";
    const events = [
      read({ ...before, key }),
      write({ ...fields, key }, { ...before, key }),
      read({ ...fields, key }),
    ];
    const values = new LongValues();

    for (const event of events) expect(textOf(values.body(event))).toBe(keyEventJson(event));
  });
});

test("a version of a long value is quoted once: by who reads it, writes it or writes over it", () => {
  const values = new LongValues();

  const [first] = valuesIn(values.body(read({})));
  const [second, prevFirst] = valuesIn(values.body(write({})));
  const [third, prevSecond] = valuesIn(
    values.body(
      write(
        { modifiedIndex: 7, createdIndex: 7 },
        { modifiedIndex: 6, createdIndex: 6, value: "w".repeat(MEGABYTE) },
      ),
    ),
  );

  expect(prevFirst).toBe(first);
  expect(prevSecond).toBe(second);
  expect(valuesIn(values.body(read({ modifiedIndex: 7, createdIndex: 7 })))[0]).toBe(third);
});

test("what is kept holds no memory beyond its own", () => {
  const [quoted] = valuesIn(new LongValues().body(read({ value: "v".repeat(16_384) })));

  expect(quoted?.buffer.byteLength).toBe(16_386);
});

test.each<[string, Partial<NodeExtern>]>([
  ["a later version", { value: "w".repeat(MEGABYTE), modifiedIndex: 6 }],
  ["a file made anew", { value: "w".repeat(MEGABYTE), modifiedIndex: 5, createdIndex: 5 }],
  ["another file", { key: "/1/b", value: "w".repeat(MEGABYTE) }],
])("%s is not taken for the one that is kept", (_, fields) => {
  const values = new LongValues();
  values.body(read({}));

  expect(textOf(values.body(read(fields)))).toBe(keyEventJson(read(fields)));
});

test("at most 16 MiB are kept: who was read least recently goes, and longer ones never come", () => {
  const values = new LongValues();
  const keys = Array.from({ length: 15 }, (_, n) => `/1/${n}`);
  const quoted = (key: string): Uint8Array | undefined => valuesIn(values.body(read({ key })))[0];
  const first = keys.map(quoted);
  quoted("/1/0");
  values.body(read({ key: "/1/huge", value: "v".repeat(17 * MEGABYTE) }));

  quoted("/1/one-more");

  const isKept = keys.map((key, n) => quoted(key) === first[n]);
  // Reading "/1/1" again to look at it puts "/1/2" out, and so on: only the one that was used is still there.
  expect(isKept[0]).toBe(true);
  expect(isKept[1]).toBe(false);
});
