import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesToText } from "@kv/store";
import { decodeRequest, encodeRequest, peekRequestId } from "./request-codec.ts";
import { newRequest, REQUEST_METHODS, type Request, type Uint64 } from "./request.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

// disk-format.md §12: entry 4 of v238-basic, written by etcd 2.3.8.
const VERSION_PUT = unhex(`0882a093cbafc0e8f542 1203505554 1a0a2f302f76657273696f6e 2205322e332e30
  2800 3200 3800 4800 5000 5800 6000 6800 7000 7800 800100`);

test("the bytes are those etcd writes", () => {
  const request = newRequest("PUT", "/0/version");
  request.val = "2.3.0";
  const id = 0x42eb_a005_f964_d002n;
  request.idHigh = Number(id >> 32n);
  request.idLow = Number(id & 0xffff_ffffn);

  const decoded = decodeRequest(VERSION_PUT);

  expect(decoded).not.toBeNull();
  expect(decoded?.path).toBe("/0/version");
  expect(decoded?.val).toBe("2.3.0");
  expect(decoded?.prevExist).toBeNull();
  expect(decoded?.refresh).toBeNull();
  expect(hex(encodeRequest(decoded as Request))).toBe(hex(VERSION_PUT));
});

test("a request inside a record of the v3 API is found, and a record without one is told apart", () => {
  const inner = VERSION_PUT;
  const wrapped = new Uint8Array([0x08, 0x01, 0x12, inner.length, ...inner]);

  expect(decodeRequest(wrapped)?.path).toBe("/0/version");
  expect(decodeRequest(unhex("0801 1a020a00"))).toBeNull();
});

const uint64: fc.Arbitrary<Uint64> = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((n) => (n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n));
const bytesText = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map(bytesToText),
  fc.string({ unit: "grapheme", maxLength: 200 }),
);
const int64 = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const requests: fc.Arbitrary<Request> = fc.record({
  idHigh: uint32,
  idLow: uint32,
  method: fc.constantFrom(...REQUEST_METHODS),
  path: bytesText,
  val: bytesText,
  dir: fc.boolean(),
  prevValue: bytesText,
  prevIndex: uint64,
  prevExist: fc.constantFrom(true, false, null),
  expiration: int64,
  wait: fc.boolean(),
  since: uint64,
  recursive: fc.boolean(),
  sorted: fc.boolean(),
  quorum: fc.boolean(),
  time: int64,
  stream: fc.boolean(),
  refresh: fc.constantFrom(true, false, null),
});

test("every request decodes to itself, and its id can be read alone", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const bytes = encodeRequest(request);
      const id = new Uint32Array(2);

      expect(decodeRequest(bytes)).toEqual(request);
      expect(peekRequestId(bytes, id)).toBe(true);
      expect([id[0], id[1]]).toEqual([request.idHigh, request.idLow]);
    }),
  );
});

test("a value larger than the scratch buffer is encoded whole", () => {
  const request = newRequest("PUT", "/1/big");
  request.val = "\u00e9x".repeat(700_000);

  expect(decodeRequest(encodeRequest(request))?.val).toBe(request.val);
});

test("no bytes crash the decoder other than with its own error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeRequest(bytes);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("E_CODEC");
      }
    }),
  );
});
