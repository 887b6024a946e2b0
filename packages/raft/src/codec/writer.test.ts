import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

const fromHex = (hex: string): Uint8Array => Buffer.from(hex, "hex");
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const UINT64_MAX = (1n << 64n) - 1n;

function readerAt(writer: Writer): Reader {
  const reader = new Reader(writer.take());
  expect(reader.next()).toBe(true);
  return reader;
}

test.each([
  [0, "0800"],
  [127, "087f"],
  [128, "088001"],
  [2 ** 28 - 1, "08ffffff7f"],
  [2 ** 28, "088080808001"],
  [2 ** 31, "088080808008"],
  [2 ** 32 - 1, "08ffffffff0f"],
  [2 ** 35, "08808080808001"],
  [Number.MAX_SAFE_INTEGER, "08ffffffffffffff0f"],
])("%d is written as the shortest varint", (value, hex) => {
  const writer = new Writer();

  writer.uint64(1, value);

  expect(toHex(writer.view())).toBe(hex);
  expect(readerAt(writer).uint64()).toBe(value);
});

test.each([-1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])(
  "%d is no unsigned number that is safe",
  (value) => {
    expect(() => new Writer().uint64(1, value)).toThrow(expect.objectContaining({ code: "E_U64_RANGE" }));
  },
);

test("64-bit numbers come back whole from halves, as a number or as a bigint", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: UINT64_MAX }), (value) => {
      const writer = new Writer();
      const high = Number(value >> 32n);
      const low = Number(value & 0xffff_ffffn);
      writer.uint64Halves(1, high, low);
      const bytes = writer.take();

      const halves = new Reader(bytes);
      halves.next();
      const readHigh = halves.uint64High();
      const whole = new Reader(bytes);
      whole.next();
      const read = whole.uint64OrBigint();

      expect([readHigh, halves.low]).toEqual([high, low]);
      expect(BigInt(read)).toBe(value);
      expect(typeof read).toBe(value <= BigInt(Number.MAX_SAFE_INTEGER) ? "number" : "bigint");
    }),
  );
});

test("signed numbers come back, and negative ones take ten bytes", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
      const writer = new Writer();
      writer.int64(1, value);
      if (value < 0n) expect(writer.length).toBe(11);

      expect(readerAt(writer).int64()).toBe(value);
    }),
  );
  const writer = new Writer();
  writer.int64(1, -1);
  expect(toHex(writer.view())).toBe("08ffffffffffffffffff01");
});

test("a signed number beyond 64 bits is refused", () => {
  expect(() => new Writer().int64(1, 1n << 64n)).toThrow(expect.objectContaining({ code: "E_U64_RANGE" }));
  expect(() => new Writer().int64(1, -(1n << 63n) - 1n)).toThrow(
    expect.objectContaining({ code: "E_U64_RANGE" }),
  );
  expect(() => new Writer().int64(1, -0.5)).toThrow(expect.objectContaining({ code: "E_U64_RANGE" }));
});

test("fields above 15 have a tag of two bytes", () => {
  const writer = new Writer();

  writer.bool(17, true);

  expect(toHex(writer.view())).toBe("880101");
  const reader = readerAt(writer);
  expect([reader.field, reader.bool(), reader.next()]).toEqual([17, true, false]);
});

test("a padded varint is read as its value", () => {
  const reader = new Reader(fromHex("0885808080808080808000"));
  reader.next();

  expect(reader.uint64()).toBe(5);
});

test("what outgrows the buffer keeps what was written before", () => {
  const writer = new Writer(1);
  const long = new Uint8Array(1000).fill(7);

  writer.string(1, "before");
  writer.bytes(2, long);

  const reader = readerAt(writer);
  expect(reader.string()).toBe("before");
  reader.next();
  expect(reader.bytes()).toEqual(long);
});

test("bytes that were taken do not change when the writer goes on", () => {
  const writer = new Writer();
  writer.uint64(1, 1);
  const taken = writer.take();

  writer.uint64(2, 2);

  expect(toHex(taken)).toBe("0801");
  expect(toHex(writer.view())).toBe("1002");
});

test("a reader of a range sees nothing beside it, and a range outside of the bytes is refused", () => {
  const bytes = fromHex("ff0801ff");
  const reader = new Reader(bytes, 1, 3);

  expect(reader.next()).toBe(true);
  expect(reader.uint64()).toBe(1);
  expect(reader.next()).toBe(false);
  expect(() => new Reader(bytes, 3, 5)).toThrow(expect.objectContaining({ code: "E_CODEC" }));
});

test("leaving a nested message passes over what was not read of it", () => {
  const writer = new Writer();
  writer.message(1, 4);
  writer.uint64(1, 5);
  writer.uint64(2, 6);
  writer.uint64(2, 7);
  const reader = readerAt(writer);

  const outer = reader.open();
  reader.next();
  reader.close(outer);

  expect(reader.next()).toBe(true);
  expect([reader.field, reader.uint64(), reader.atEnd]).toEqual([2, 7, true]);
});

test.each([43, 44, 50, 127, 128])(
  "a text whose bytes outnumber its %d units has the right length before it",
  (length) => {
    const text = "€".repeat(length);
    const writer = new Writer();

    writer.string(1, text);
    writer.uint64(2, 9);

    const reader = readerAt(writer);
    expect(reader.string()).toBe(text);
    expect([reader.next(), reader.uint64()]).toEqual([true, 9]);
  },
);
