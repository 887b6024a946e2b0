import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { NodeId } from "../types.ts";
import {
  compareNodeIds,
  nodeIdFromBigInt,
  nodeIdFromHalves,
  nodeIdHigh,
  nodeIdLow,
  nodeIdToBigInt,
  parseNodeId,
} from "./node-id.ts";
import { nodeIdSize, uint64Size } from "./varint.ts";

const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

test.each([
  ["8e9e05c52164694d", "8e9e05c52164694d"],
  ["8E9E05C52164694D", "8e9e05c52164694d"],
  ["0000000000000001", "1"],
  ["051a205f97b5f955", "51a205f97b5f955"],
  ["0", "0"],
  ["100000000", "100000000"],
])("%s is the id %s", (text, id) => {
  expect(parseNodeId(text)).toBe(id);
});

test.each(["", "g", "0x1", " 1", "-1", "10000000000000000", "1\n"])("%j is no id", (text) => {
  expect(() => parseNodeId(text)).toThrow(expect.objectContaining({ code: "E_CODEC" }));
});

test("an id is the hex form of its number, in every representation", () => {
  fc.assert(
    fc.property(uint64, (value) => {
      const id = nodeIdFromBigInt(value);

      expect(id).toBe(value.toString(16));
      expect(nodeIdToBigInt(id)).toBe(value);
      expect(BigInt(nodeIdHigh(id)) * (1n << 32n) + BigInt(nodeIdLow(id))).toBe(value);
      expect(nodeIdFromHalves(nodeIdHigh(id), nodeIdLow(id))).toBe(id);
    }),
  );
});

test("a number beyond 64 bits is no id", () => {
  expect(() => nodeIdFromBigInt(1n << 64n)).toThrow(expect.objectContaining({ code: "E_U64_RANGE" }));
  expect(() => nodeIdFromBigInt(-1n)).toThrow(expect.objectContaining({ code: "E_U64_RANGE" }));
});

test("ids are ordered by value, not as text", () => {
  fc.assert(
    fc.property(uint64, uint64, (a, b) => {
      const order = compareNodeIds(nodeIdFromBigInt(a), nodeIdFromBigInt(b));

      expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test("more ids than the table holds are all still right", () => {
  for (let low = 0; low < 5000; low++)
    expect(nodeIdFromHalves(7, low)).toBe(((7n << 32n) | BigInt(low)).toString(16));
});

test("a string that was only cast to an id is refused when its number is needed", () => {
  for (const text of ["x", ":", "A/", "\u{661}"]) {
    expect(() => nodeIdLow(text as NodeId)).toThrow(expect.objectContaining({ code: "E_CODEC" }));
  }
});

test("the size of a varint is that of its shortest form", () => {
  fc.assert(
    fc.property(fc.oneof(uint64, fc.nat(20_000).map(BigInt)), (value) => {
      const bits = Math.max(1, value.toString(2).length);

      expect(nodeIdSize(nodeIdFromBigInt(value))).toBe(Math.ceil(bits / 7));
      if (bits <= 53) expect(uint64Size(Number(value))).toBe(Math.ceil(bits / 7));
    }),
  );
});
