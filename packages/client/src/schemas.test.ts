import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ClientError, ERROR_TABLE } from "./errors.ts";
import { decode } from "./decoder.ts";
import { keyEventDecoder, parseServerError } from "./schemas.ts";

test("any text either decodes or is E_BAD_RESPONSE, never another error", () => {
  const body = fc.oneof(fc.string(), fc.json(), fc.constant('{"action":"get","node":{"nodes":null}}'));
  fc.assert(
    fc.property(body, (text) => {
      try {
        expect(decode(keyEventDecoder, { endpoint: "http://h:1", body: text }).node.nodes).toBeNull();
      } catch (error) {
        expect(error).toBeInstanceOf(ClientError);
        expect(error).toMatchObject({ code: "E_BAD_RESPONSE", outcomeUnknown: true });
      }
    }),
  );
});

test("the error about an answer that is no object names no member", () => {
  expect(() => decode(keyEventDecoder, { endpoint: "http://h:1", body: "<html>" })).toThrow(/API does$/);
});

test("the error says which member of the answer is wrong", () => {
  const body = '{"action":"get","node":{"key":"/a","createdIndex":-1}}';

  expect(() => decode(keyEventDecoder, { endpoint: "http://h:1", body })).toThrow(/at "node.createdIndex"/);
});

test.each([
  [
    '{"errorCode":105,"message":"Key already exists","cause":"/a","index":12}\n',
    { errorCode: 105, etcdCause: "/a", index: 12 },
  ],
  ['{"errorCode":105,"message":"m","index":12}', { errorCode: 105, etcdCause: "", index: 12 }],
  ['{"message":"Not found"}', { errorCode: null, message: "Not found", index: null }],
])("error body %j is understood", (body, fields) => {
  expect(parseServerError(body)).toMatchObject(fields);
});

test.each(["404 page not found\n", "", "[]", "{}"])("%j is no error body", (body) => {
  expect(parseServerError(body)).toBeNull();
});

test("the error table has each code once, in order, with the statuses of client-api.md §6", () => {
  const codes = ERROR_TABLE.map((row) => row.errorCode);

  expect(codes).toEqual([...new Set(codes)].toSorted((a, b) => a - b));
  expect(codes).toHaveLength(32);
  const special: Record<number, number> = {
    100: 404,
    101: 412,
    102: 403,
    105: 412,
    108: 403,
    110: 401,
    300: 500,
    301: 500,
  };
  for (const { errorCode, status } of ERROR_TABLE) expect(status).toBe(special[errorCode] ?? 400);
});
