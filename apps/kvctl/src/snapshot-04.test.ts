import { expect, test } from "vitest";
import { parseDump } from "./snapshot-04.ts";

const NEVER = "0001-01-01T00:00:00Z";
const NOW_MS = Date.parse("2015-01-01T00:00:00Z");

function file(value: string, expireTime = NEVER): object {
  return { Value: value, ExpireTime: expireTime, Children: null };
}

function directory(children: Readonly<Record<string, object>>, expireTime = NEVER): object {
  return { Value: "", ExpireTime: expireTime, Children: children };
}

function parse(children: Readonly<Record<string, object>>, hidden: readonly string[] = []): unknown {
  return parseDump(JSON.stringify({ Root: directory(children) }), { hidden, nowMs: NOW_MS });
}

test("files, directories and empty directories are found at all levels", () => {
  expect(parse({ a: file("1"), d: directory({ "b c": file(""), empty: directory({}) }) })).toEqual([
    { key: "/a", value: "1", ttl: null },
    { key: "/d", value: null, ttl: null },
    { key: "/d/b c", value: "", ttl: null },
    { key: "/d/empty", value: null, ttl: null },
  ]);
});

test("a TTL counts from now and is at least five minutes, also when it is over", () => {
  expect(
    parse({
      long: file("1", "2015-01-01T01:00:00.5+00:00"),
      short: directory({}, "2015-01-01T00:00:10Z"),
      over: file("1", "2014-12-31T00:00:00Z"),
    }),
  ).toEqual([
    { key: "/long", value: "1", ttl: 3_601 },
    { key: "/short", value: null, ttl: 300 },
    { key: "/over", value: "1", ttl: 300 },
  ]);
});

test("hidden keys are left out unless they are asked for", () => {
  const tree = {
    _etcd: directory({ machines: directory({ m: file("1") }) }),
    _other: file("2"),
    d: directory({ _x: file("3") }),
  };

  expect(parse(tree)).toEqual([{ key: "/d", value: null, ttl: null }]);
  expect(parse(tree, ["_etcd/", "/d/_x"])).toEqual([
    { key: "/_etcd", value: null, ttl: null },
    { key: "/_etcd/machines", value: null, ttl: null },
    { key: "/_etcd/machines/m", value: "1", ttl: null },
    { key: "/d", value: null, ttl: null },
    { key: "/d/_x", value: "3", ttl: null },
  ]);
});

test.each([
  ["", "it is no JSON"],
  ["{", "it is no JSON"],
  ["[]", "it has no Root"],
  ["{}", "it has no Root"],
  ['{"Root":{"Children":{"a":1}}}', "/a is no node"],
  ['{"Root":{"Children":{"a":{"Children":null}}}}', "/a has no value"],
  ['{"Root":{"Children":{"a":{"Value":"","ExpireTime":"soon"}}}}', "/a has no usable ExpireTime"],
])("%j is refused instead of taken for an empty dump", (text, problem) => {
  const read = (): unknown => parseDump(text, { hidden: [], nowMs: NOW_MS });

  expect(read).toThrow(`this is no dump of etcd 0.4: ${problem}`);
});
