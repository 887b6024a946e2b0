import * as fc from "fast-check";
import { expect, test } from "vitest";
import { quoteJson } from "./quote-json.ts";
import { bytesToText } from "./text.ts";

// client-api.md §2.1, line by line.
const CASES: readonly [text: string, printed: string][] = [
  ["", '""'],
  ["plain /'\u007f", '"plain /\'\u007f"'],
  ['"\\', '"\\"\\\\"'],
  ["\n\r\t", '"\\n\\r\\t"'],
  ["\u0000\b\f\u001f", '"\\u0000\\u0008\\u000c\\u001f"'],
  ["<a>&", '"\\u003ca\\u003e\\u0026"'],
  ["\u2028\u2029", '"\\u2028\\u2029"'],
  ["é€\u0085\ufeff\ufffe\ufffd", '"é€\u0085\ufeff\ufffe\ufffd"'],
  ["😀<", '"😀\\u003c"'],
  ["a\udcffb", '"a\\ufffdb"'],
  [bytesToText(Uint8Array.of(0xed, 0xa0, 0x80)), '"\\ufffd\\ufffd\\ufffd"'],
  [bytesToText(Uint8Array.of(0xc0, 0xaf)), '"\\ufffd\\ufffd"'],
];

test.each(CASES)("%j is printed as etcd prints it", (text, printed) => {
  expect(quoteJson(text)).toBe(printed);
});

test.each(CASES)("%j within a long text is printed as etcd prints it", (text, printed) => {
  const [before, behind] = ["a".repeat(300), "z".repeat(300)];

  expect(quoteJson(before + text + behind)).toBe(`"${before}${printed.slice(1, -1)}${behind}"`);
});

const codePoint = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

test("every JSON reader reads back what was quoted, stray surrogates excepted", () => {
  fc.assert(
    fc.property(fc.string({ unit: codePoint }), (text) => {
      expect(JSON.parse(quoteJson(text))).toBe(text.toWellFormed());
    }),
  );
});
