import * as fc from "fast-check";
import { expect, test } from "vitest";
import { joinLatin1 } from "./body-text.ts";

test.each([
  [[]],
  [[0]],
  [[3]],
  [[100, 0, 7]],
  [[65_536, 65_536, 1]],
  [[600_000, 400_000]],
  [[1_000_000, 100_000]],
])("pieces of %j bytes are one text, each byte a character", (sizes) => {
  const pieces = sizes.map((size, n) => Buffer.alloc(size, Buffer.from([0, 0x7f, 0x80, 0xff, n])));

  expect(joinLatin1(pieces) === Buffer.concat(pieces).toString("latin1")).toBe(true);
});

test("a text stays as it is when others are made after it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }), { maxLength: 8 }),
      (bodies) => {
        const texts = bodies.map((pieces) => joinLatin1(pieces.map((piece) => Buffer.from(piece))));

        expect(texts).toEqual(bodies.map((pieces) => Buffer.concat(pieces).toString("latin1")));
      },
    ),
  );
});
