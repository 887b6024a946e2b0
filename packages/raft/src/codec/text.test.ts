import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readText, TEXT_UNIT_MAX_BYTES, writeText } from "./text.ts";

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(TEXT_UNIT_MAX_BYTES * text.length);
  return bytes.subarray(0, writeText(bytes, 0, text));
}

const decode = (bytes: Uint8Array): string => readText(bytes, 0, bytes.length);

// Pieces of UTF-8 and of what is nearly UTF-8, so that long texts of both kinds come up.
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "61",
        "c3a4",
        "e282ac",
        "f09f9880",
        "efbbbf",
        "eda080",
        "e282",
        "c0af",
        "f4908080",
        "ff",
        "80",
      ),
      fc.constant("78".repeat(60)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => fromHex(parts.join("")));

const wellFormed = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })), {
    maxLength: 120,
  })
  .map((points) => String.fromCodePoint(...points));

test("any bytes survive the way through text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), pieces), (bytes) => {
      expect(encode(decode(bytes))).toEqual(bytes);
    }),
    { numRuns: 1000 },
  );
});

test("well-formed text is UTF-8, of every length", () => {
  fc.assert(
    fc.property(wellFormed, (text) => {
      const bytes = encode(text);

      expect(toHex(bytes)).toBe(Buffer.from(text).toString("hex"));
      expect(decode(bytes)).toBe(text);
    }),
  );
});

test.each([
  ["ff", "\udcff"],
  ["61e282", "a\udce2\udc82"],
  ["eda080", "\udced\udca0\udc80"],
  ["c0af", "\udcc0\udcaf"],
  ["f4908080", "\udcf4\udc90\udc80\udc80"],
  ["efbbbf61", "\ufeffa"],
  ["e2e282ac", "\udce2€"],
])("bytes %s are the text %j", (hex, text) => {
  expect(decode(fromHex(hex))).toBe(text);
  expect(toHex(encode(text))).toBe(hex);
});

test("a lone surrogate that stands for no byte becomes U+FFFD", () => {
  expect(toHex(encode("\ud800x\udc00"))).toBe("efbfbd78efbfbd");
});

test("an escape in a long text is written as its byte", () => {
  const text = `${"x".repeat(100)}\udc80`;

  expect(encode(text)).toEqual(Uint8Array.of(...Array.from({ length: 100 }, () => 0x78), 0x80));
});
