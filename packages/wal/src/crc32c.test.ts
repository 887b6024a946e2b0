import { assert as checkProperty, nat, property, uint8Array } from "fast-check";
import type { Arbitrary } from "fast-check";
import { describe, expect, test } from "vitest";
import { combineCrc32c, crc32c, crc32cOfRange, nativeCrc32c, tableCrc32c } from "./crc32c.ts";

const bytesOf = (maxLength: number): Arbitrary<Uint8Array> => uint8Array({ maxLength });

/** The definition, one bit at a time. */
function bitwiseCrc32c(bytes: Uint8Array, previous: number): number {
  let crc = ~previous;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("crc32c", () => {
  test.each([
    ["", 0],
    ["123456789", 0xe3069283],
    ["a", 0xc1d04330],
    ["\0".repeat(32), 0x8a9136aa],
  ])("of %j is the published value", (text, expected) => {
    expect(crc32c(Buffer.from(text), 0)).toBe(expected);
  });

  test("the table agrees with the definition for any bytes, range and previous value", () => {
    checkProperty(
      property(bytesOf(200), nat(20), nat(20), nat(0xffff_ffff), (bytes, before, after, previous) => {
        const whole = Buffer.concat([Buffer.alloc(before, 1), bytes, Buffer.alloc(after, 2)]);
        const actual = tableCrc32c(whole, before, before + bytes.length, previous);
        expect(actual).toBe(bitwiseCrc32c(bytes, previous));
        expect(crc32cOfRange(whole, before, before + bytes.length, previous)).toBe(actual);
      }),
    );
  });

  // Where the optional package is missing, both sides are the table and the law is the chaining alone.
  test("the native implementation agrees with the table for large inputs, also chained", () => {
    checkProperty(
      property(bytesOf(5_000), nat(0xffff_ffff), (bytes, previous) => {
        const native = nativeCrc32c ?? crc32c;
        expect(native(bytes, previous)).toBe(tableCrc32c(bytes, 0, bytes.length, previous));
        expect(crc32c(bytes, previous)).toBe(tableCrc32c(bytes, 0, bytes.length, previous));
      }),
    );
  });

  test("of a concatenation is the combination of the parts", () => {
    checkProperty(
      property(bytesOf(300), bytesOf(300), (a, b) => {
        const combined = combineCrc32c(crc32c(a, 0), crc32c(b, 0), b.length);
        expect(combined).toBe(crc32c(Buffer.concat([a, b]), 0));
      }),
    );
  });

  test("combines over more than 2^32 bytes", () => {
    const chunk = new Uint8Array(1024);
    let chained = 0x1234_5678;
    for (let i = 0; i < 3; i++) chained = crc32c(chunk, chained);
    expect(combineCrc32c(0x1234_5678, crc32c(new Uint8Array(3072), 0), 3072)).toBe(chained);
    // The polynomial is x+1 times one of degree 31, so zeros repeat after 2^31 - 1 bits (and bytes).
    expect(combineCrc32c(7, 0, 3 * (2 ** 31 - 1) + 5)).toBe(combineCrc32c(7, 0, 5));
  });
});
