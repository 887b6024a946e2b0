import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatTimestamp, StoreEvent, type Action, type NodeExtern } from "@kv/store";
import { keyEventJson, keyEventJsonWithoutNodes, sharedEventJson } from "./write-key-event.ts";

const PLAIN = { refresh: false };

function node(key: string, fields: Partial<NodeExtern> = {}): NodeExtern {
  return {
    key,
    value: null,
    dir: false,
    expiration: null,
    ttl: 0,
    nodes: null,
    modifiedIndex: 0,
    createdIndex: 0,
    ...fields,
  };
}

/** What JSON.stringify would print for the shape of client-api.md §5. */
function plainNode(extern: NodeExtern): Record<string, unknown> {
  return {
    ...(extern.key === "/1" ? {} : { key: extern.key.slice(2) }),
    ...(extern.value === null ? {} : { value: extern.value }),
    ...(extern.dir ? { dir: true } : {}),
    ...(extern.expiration === null ? {} : { expiration: formatTimestamp(extern.expiration) }),
    ...(extern.ttl === 0 ? {} : { ttl: extern.ttl }),
    ...(extern.nodes === null ? {} : { nodes: extern.nodes.map(plainNode) }),
    ...(extern.modifiedIndex === 0 ? {} : { modifiedIndex: extern.modifiedIndex }),
    ...(extern.createdIndex === 0 ? {} : { createdIndex: extern.createdIndex }),
  };
}

function plainEvent(event: StoreEvent): Record<string, unknown> {
  const prevNode = event.prevNode === null ? {} : { prevNode: plainNode(event.prevNode) };
  return { action: event.action, node: plainNode(event.node), ...prevNode };
}

test.each<[string, Action, NodeExtern, NodeExtern | null, string]>([
  [
    "a file",
    "set",
    node("/1/a", { value: "x", modifiedIndex: 5, createdIndex: 4 }),
    node("/1/a", { value: "", modifiedIndex: 4, createdIndex: 4 }),
    '{"action":"set","node":{"key":"/a","value":"x","modifiedIndex":5,"createdIndex":4},"prevNode":{"key":"/a","value":"","modifiedIndex":4,"createdIndex":4}}\n',
  ],
  ["the empty root", "get", node("/1", { dir: true }), null, '{"action":"get","node":{"dir":true}}\n'],
  [
    "the root with a child",
    "get",
    node("/1", { dir: true, nodes: [node("/1/1", { value: "v", modifiedIndex: 1, createdIndex: 1 })] }),
    null,
    '{"action":"get","node":{"dir":true,"nodes":[{"key":"/1","value":"v","modifiedIndex":1,"createdIndex":1}]}}\n',
  ],
  [
    "an expired directory",
    "expire",
    node("/1/d", { modifiedIndex: 9, createdIndex: 3 }),
    node("/1/d", { dir: true, expiration: 1_500_000_000n, ttl: -2, modifiedIndex: 3, createdIndex: 3 }),
    '{"action":"expire","node":{"key":"/d","modifiedIndex":9,"createdIndex":3},"prevNode":{"key":"/d","dir":true,"expiration":"1970-01-01T00:00:01.5Z","ttl":-2,"modifiedIndex":3,"createdIndex":3}}\n',
  ],
  [
    "what JSON.stringify escapes differently",
    "get",
    node("/1/<&>", { value: '\b\f\u2028\udcff"\\\n', modifiedIndex: 1, createdIndex: 1 }),
    null,
    '{"action":"get","node":{"key":"/\\u003c\\u0026\\u003e","value":"\\u0008\\u000c\\u2028\\ufffd\\"\\\\\\n","modifiedIndex":1,"createdIndex":1}}\n',
  ],
])("%s prints as etcd prints it", (_name, action, shown, prevNode, expected) => {
  expect(keyEventJson(new StoreEvent(action, shown, prevNode, 9, PLAIN))).toBe(expected);
});

const text = fc.string({ unit: "binary", maxLength: 8 });
const extern = fc.letrec<{ node: NodeExtern }>((tie) => ({
  node: fc.record({
    key: text.map((name) => `/1/${name}`),
    value: fc.option(text),
    dir: fc.boolean(),
    expiration: fc.option(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })),
    ttl: fc.integer(),
    nodes: fc.option(fc.array(tie("node"), { maxLength: 3 }), {
      depthSize: "small",
      depthIdentifier: "nodes",
    }),
    modifiedIndex: fc.maxSafeNat(),
    createdIndex: fc.maxSafeNat(),
  }),
})).node;

test("any event reads back as the value that JSON.stringify would have printed", () => {
  const action = fc.constantFrom<Action>("get", "set", "expire", "compareAndSwap");
  fc.assert(
    fc.property(action, extern, fc.option(extern), (name, shown, prevNode) => {
      const event = new StoreEvent(name, shown, prevNode, 1, PLAIN);
      const json = keyEventJson(event);

      // Member order counts, so texts are compared; the two differ in escapes only.
      expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(plainEvent(event)));
      expect(json.endsWith("}\n")).toBe(true);
      expect(json.isWellFormed()).toBe(true);
    }),
  );
});

test("watchers of one event share one text", () => {
  const event = new StoreEvent("set", node("/1/a", { value: "x" }), null, 1, PLAIN);

  const first = sharedEventJson(event);

  expect(first).toBe(keyEventJson(event));
  expect(event.encoded).toBe(first);
  event.encoded = "shared\n";
  expect(sharedEventJson(event)).toBe("shared\n");
});

test("without nodes only the action is left", () => {
  const event = new StoreEvent("update", node("/1/a", { value: "x" }), node("/1/a"), 1, PLAIN);

  expect(keyEventJsonWithoutNodes(event)).toBe('{"action":"update"}\n');
});
