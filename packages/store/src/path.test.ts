import * as fc from "fast-check";
import { posix } from "node:path";
import { expect, test } from "vitest";
import type { EtcdError } from "./errors.ts";
import { cleanPath, isBelow, isHiddenBelow, MAX_PATH_DEPTH } from "./path.ts";

const CASES: readonly [raw: string, clean: string][] = [
  ["", "/"],
  ["/", "/"],
  ["//", "/"],
  ["a", "/a"],
  ["/a/", "/a"],
  ["/a//b", "/a/b"],
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/../a", "/a"],
  ["/a/..", "/"],
  ["/.", "/"],
  ["/.a/..b/...", "/.a/..b/..."],
  ["/a.", "/a."],
];

test.each(CASES)("%j is cleaned to %j", (raw, clean) => {
  expect(cleanPath(raw)).toBe(clean);
});

test("cleaning agrees with the platform's idea of it, and doing it twice changes nothing", () => {
  const part = fc.constantFrom("a", "bc", ".", "..", "", "...", ".x", "_h");
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const clean = cleanPath(parts.join("/"));
      const expected = posix.normalize(`/${parts.join("/")}`);
      expect(clean).toBe(expected.length > 1 ? expected.replace(/\/$/, "") : "/");
      expect(cleanPath(clean)).toBe(clean);
    }),
  );
});

test("a path may have 1,000 levels and not one more, clean or not", () => {
  const deepest = "/a".repeat(MAX_PATH_DEPTH);

  expect(cleanPath(deepest)).toBe(deepest);
  expect(cleanPath(`/b/..${deepest}`)).toBe(deepest);
  for (const tooDeep of [`${deepest}/a`, `${deepest}//a`]) {
    expect(() => cleanPath(tooDeep)).toThrow(
      expect.objectContaining({ errorCode: 209, index: 0 }) as EtcdError,
    );
  }
});

test("below means strictly below, by components", () => {
  expect(isBelow("/a/b", "/a")).toBe(true);
  expect(isBelow("/a", "/")).toBe(true);
  expect(isBelow("/ab", "/a")).toBe(false);
  expect(isBelow("/a", "/a")).toBe(false);
  expect(isBelow("/", "/")).toBe(false);
});

test("only components below the directory decide whether a key is hidden from it", () => {
  expect(isHiddenBelow("/_a", "/")).toBe(true);
  expect(isHiddenBelow("/a/_b/c", "/a")).toBe(true);
  expect(isHiddenBelow("/_a/b", "/_a")).toBe(false);
  expect(isHiddenBelow("/a/b_c", "/a")).toBe(false);
});
