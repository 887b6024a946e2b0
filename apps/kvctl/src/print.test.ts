import type { KeyResult, Node } from "@kv/client";
import { describe, expect, test } from "vitest";
import { formatCurl, formatResult } from "./print.ts";

const FILE: Node = {
  key: "/c/a",
  value: "v",
  dir: false,
  ttl: null,
  expiration: null,
  nodes: null,
  createdIndex: 14,
  modifiedIndex: 15,
};
const OLD: Node = { ...FILE, value: "old", modifiedIndex: 14 };
const GONE: Node = { ...FILE, value: null };

function result(fields: Partial<KeyResult>): KeyResult {
  return { action: "set", node: FILE, prevNode: null, etcdIndex: 15, ...fields };
}

describe("simple", () => {
  test.each([
    ["a value", result({}), "v"],
    ["a removed value", result({ action: "delete", node: GONE, prevNode: OLD }), "PrevNode.Value: old"],
    [
      "an empty line for a compared removal",
      result({ action: "compareAndDelete", node: GONE, prevNode: OLD }),
      "",
    ],
    ["an empty line for an expiry", result({ action: "expire", node: GONE, prevNode: OLD }), ""],
  ])("prints %s", (_name, value, text) => {
    expect(formatResult(value, "simple")).toBe(text);
  });
});

describe("extended", () => {
  test("prints the fields, an empty line and the value", () => {
    expect(formatResult(result({ prevNode: OLD, node: { ...FILE, ttl: 9 } }), "extended")).toBe(
      "Key: /c/a\nCreated-Index: 14\nModified-Index: 15\nPrevNode.Value: old\nTTL: 9\nIndex: 15\n\nv",
    );
  });

  test("has neither after a removal", () => {
    expect(formatResult(result({ action: "delete", node: GONE, prevNode: OLD }), "extended")).toBe(
      "Key: /c/a\nCreated-Index: 14\nModified-Index: 15\nPrevNode.Value: old\nTTL: 0\nIndex: 15",
    );
  });
});

describe("json", () => {
  test("prints the members in etcdctl's order, absent ones as null", () => {
    expect(formatResult(result({ prevNode: OLD }), "json")).toBe(
      '{"action":"set","node":{"key":"/c/a","value":"v","nodes":null,"createdIndex":14,"modifiedIndex":15},' +
        '"prevNode":{"key":"/c/a","value":"old","nodes":null,"createdIndex":14,"modifiedIndex":14}}',
    );
  });

  test("prints a directory with its children and TTL, and the value of a removed node as empty", () => {
    const node = { ...GONE, dir: true, nodes: [FILE], ttl: 5, expiration: "2026-01-02T03:04:05Z" };

    expect(JSON.parse(formatResult(result({ node }), "json"))).toEqual({
      action: "set",
      node: {
        key: "/c/a",
        dir: true,
        value: "",
        nodes: [{ key: "/c/a", value: "v", nodes: null, createdIndex: 14, modifiedIndex: 15 }],
        createdIndex: 14,
        modifiedIndex: 15,
        expiration: "2026-01-02T03:04:05Z",
        ttl: 5,
      },
      prevNode: null,
    });
  });

  test("escapes what HTML and JavaScript would read as their own", () => {
    const text = formatResult(result({ node: { ...FILE, value: "<&>\u2028" } }), "json");

    expect(text).toContain(String.raw`"value":"\u003c\u0026\u003e\u2028"`);
  });
});

test.each([
  [
    { method: "GET", endpoint: "http://h:1", path: "/v2/keys/a?quorum=false", body: null },
    "curl -X GET http://h:1/v2/keys/a?quorum=false",
  ],
  [
    { method: "PUT", endpoint: "http://h:1", path: "/v2/keys/d", body: "" },
    'curl -X PUT http://h:1/v2/keys/d -d ""',
  ],
  [
    { method: "PUT", endpoint: "http://h:1", path: "/v2/keys/a", body: "value=v+w" },
    'curl -X PUT http://h:1/v2/keys/a -d "value=v+w"',
  ],
])("request %j is shown as %s", (request, text) => {
  expect(formatCurl(request)).toBe(text);
});
