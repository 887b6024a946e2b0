import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Slab } from "./slab.ts";

test("pieces are empty, as long as was asked for, and none lies over another", () => {
  const lengths = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(4_095, 4_096, 4_097, 70_000));
  fc.assert(
    fc.property(fc.array(lengths, { maxLength: 100 }), (asked) => {
      const slab = new Slab();
      const pieces = asked.map((length, n) => {
        const piece = slab.cut(length);
        const isEmpty = piece.length === length && piece.every((byte) => byte === 0);
        piece.fill(n + 1);
        return { piece, isEmpty };
      });

      expect(pieces.every(({ isEmpty }) => isEmpty)).toBe(true);
      expect(pieces.every(({ piece }, n) => piece.every((byte) => byte === n + 1))).toBe(true);
    }),
  );
});

test("short pieces share memory, long ones do not", () => {
  const slab = new Slab();

  expect(slab.cut(100).buffer).toBe(slab.cut(4_096).buffer);
  expect(slab.cut(4_097).buffer.byteLength).toBe(4_097);
});
