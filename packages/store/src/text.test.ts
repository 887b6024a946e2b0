import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesToText, compareText, textToBytes } from "./text.ts";

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  // Bytes that make and break sequences far more often than random ones do.
  fc
    .array(fc.constantFrom(0x2f, 0x61, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0x90))
    .map((list) => Uint8Array.from(list)),
);

const CASES: readonly [name: string, bytes: readonly number[], text: string][] = [
  ["ASCII", [0x61, 0x00, 0x7f], "a\u0000\u007f"],
  ["two, three and four byte characters", [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80], "é€😀"],
  ["a byte order mark is kept", [0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
  ["a genuine U+FFFD stays one character", [0xef, 0xbf, 0xbd], "\ufffd"],
  ["a stray continuation byte", [0x61, 0x80, 0x62], "a\udc80b"],
  ["a sequence cut off at the end", [0xe2, 0x82], "\udce2\udc82"],
  ["a CESU surrogate is three stray bytes", [0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
  ["an overlong slash is two stray bytes", [0xc0, 0xaf], "\udcc0\udcaf"],
  ["above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
];

test.each(CASES)("%s decodes and encodes exactly", (_name, list, text) => {
  expect(bytesToText(Uint8Array.from(list))).toBe(text);
  expect([...textToBytes(text)]).toEqual([...list]);
});

test("any bytes survive the way to text and back", () => {
  fc.assert(
    fc.property(bytes, (list) => {
      expect(textToBytes(bytesToText(list))).toEqual(list);
    }),
  );
});

test("text is ordered as its bytes are", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const expected = Math.sign(Buffer.compare(a, b));
      expect(Math.sign(compareText(bytesToText(a), bytesToText(b)))).toBe(expected);
    }),
  );
});

test("characters above U+FFFF come after U+FFFD, unlike in JavaScript", () => {
  expect(compareText("😀", "\ufffd")).toBeGreaterThan(0);
  expect(["😀", "\ufffd"].toSorted()).toEqual(["😀", "\ufffd"]);
});

test("surrogates that no bytes decode to become U+FFFD", () => {
  expect([...textToBytes("\ud800a\udc7f")]).toEqual([0xef, 0xbf, 0xbd, 0x61, 0xef, 0xbf, 0xbd]);
});
