import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeParameters, keyPath } from "./percent-encoding.ts";

describe("keyPath", () => {
  test.each([
    ["/", ""],
    ["", ""],
    ["a", "/a"],
    ["/a/b/", "/a/b"],
    ["//a///b", "/a/b"],
    ["/a/./b/../c", "/a/c"],
    ["/../a", "/a"],
    ["/a b", "/a%20b"],
    ["/a%2Fb", "/a%252Fb"],
    ["/a?b=c", "/a%3Fb=c"],
    ["/a#b+c", "/a%23b+c"],
    ["/ключ", "/%D0%BA%D0%BB%D1%8E%D1%87"],
    ["/🎉", "/%F0%9F%8E%89"],
    ["/\udcff\udc80x", "/%FF%80x"],
    ["/\u0000", "/%00"],
  ])("key %j is sent as %j", (key, path) => {
    expect(keyPath(key)).toBe(path);
  });

  test("any clean key survives encoding and decoding", () => {
    const component = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((c) => !c.includes("/") && !/^\.\.?$/.test(c));
    fc.assert(
      fc.property(fc.array(component, { minLength: 1 }), (components) => {
        const key = `/${components.join("/")}`;
        expect(decodeURIComponent(keyPath(key))).toBe(key);
      }),
    );
  });
});

describe("encodeParameters", () => {
  test("names are sorted and what is undefined is left out", () => {
    expect(encodeParameters({ value: "v w", ttl: 30, dir: undefined, recursive: false })).toBe(
      "recursive=false&ttl=30&value=v+w",
    );
  });

  test("any bytes survive encoding and decoding", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const encoded = encodeParameters({ value: bytes });
        expect(encoded).toMatch(/^value=[A-Za-z0-9_.~+%-]*$/);
        expect(formBytes(encoded.slice("value=".length))).toEqual([...bytes]);
      }),
    );
  });

  test("a lone surrogate of a raw byte is sent as that byte, and is what the byte itself gives", () => {
    expect(encodeParameters({ value: "a\udc80\udcff" })).toBe("value=a%80%FF");
    expect(encodeParameters({ value: Uint8Array.of(0x61, 0x80, 0xff) })).toBe("value=a%80%FF");
  });
});

function formBytes(encoded: string): number[] {
  return [...encoded.matchAll(/%([0-9A-F]{2})|(.)/g)].map(([, hex, plain]) => {
    if (hex !== undefined) return Number.parseInt(hex, 16);
    return plain === "+" ? 0x20 : (plain?.charCodeAt(0) ?? Number.NaN);
  });
}
