import { describe, expect, test } from "vitest";
import { array, assert, constantFrom, integer, oneof, property, string, tuple } from "fast-check";
import { SMUGGLING_VECTORS } from "../testing/smuggling-vectors.ts";
import { CHUNKED, parseHead, type HeadRefusal, type RequestHead } from "./request-head.ts";

const HOST = "Host: h\r\n";

function parse(head: string): RequestHead | HeadRefusal {
  const bytes = Buffer.from(head, "latin1");
  return parseHead(bytes, 0, bytes.length);
}

function understood(head: string): RequestHead {
  const parsed = parse(head);
  if (typeof parsed === "number") throw new Error(`refused with ${parsed}`);
  return parsed;
}

describe("what an attacker could make two readers disagree about is refused", () => {
  test.each(SMUGGLING_VECTORS)("%s is %i", (_name, refusal, head) => {
    expect(parse(head)).toBe(refusal);
  });
});

test.each<[string, string, Partial<RequestHead>]>([
  ["names in any case", "hOST: h\r\nCONTENT-length: 3\r\n", { bodyLength: 3 }],
  ["blanks and tabs around a value", "Host: h\r\nContent-Length: \t 3 \t\r\n", { bodyLength: 3 }],
  ["no blank behind the colon", "Host:h\r\nContent-Length:3\r\n", { bodyLength: 3 }],
  ["leading zeros", "Host: h\r\nContent-Length: 007\r\n", { bodyLength: 7 }],
  ["an empty Host", "Host:\r\n", { bodyLength: 0 }],
  ["chunks in capitals", "Host: h\r\nTransfer-Encoding: CHUNKED\r\n", { bodyLength: CHUNKED }],
  ["close in a list", "Host: h\r\nConnection: te, Close\r\n", { isKeepAlive: false }],
  [
    "close in the second field",
    "Host: h\r\nConnection: keep-alive\r\nConnection: close\r\n",
    { isKeepAlive: false },
  ],
  ["closed is not close", "Host: h\r\nConnection: closed\r\n", { isKeepAlive: true }],
  ["an expectation in any case", "Host: h\r\nExpect: 100-Continue\r\n", { expectation: "continue" }],
  ["another expectation", "Host: h\r\nExpect: x\r\n", { expectation: "unknown" }],
  ["bytes above ASCII in a value", "Host: h\r\nA: \xe4\xff\r\n", { bodyLength: 0 }],
])("%s: understood", (_name, fields, expected) => {
  expect(understood(`PUT /a HTTP/1.1\r\n${fields}`)).toMatchObject(expected);
});

test("1.0 closes unless it is asked not to, and expects nothing", () => {
  expect(understood("GET /a HTTP/1.0\r\n")).toMatchObject({ isHttp10: true, isKeepAlive: false });
  const kept = understood("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n");
  expect(kept).toMatchObject({ isKeepAlive: true, expectation: "nothing" });
});

test("OPTIONS * has no target", () => {
  expect(understood(`OPTIONS * HTTP/1.1\r\n${HOST}`).target).toBeNull();
});

test("fields are found by their lower-case names, the first one counts, and all can be listed", () => {
  const head = understood(
    "GET /a HTTP/1.1\r\nHost: h\r\nX-AB:  one two \r\nx-a: three\r\nX-ab: four\r\nE:\r\n",
  );

  expect(head.field("x-ab")).toBe("one two");
  expect(head.field("x-a")).toBe("three");
  expect(head.field("x")).toBeUndefined();
  expect(head.field("e")).toBe("");
  expect(head.fields()).toEqual([
    ["Host", "h"],
    ["X-AB", "one two"],
    ["x-a", "three"],
    ["X-ab", "four"],
    ["E", ""],
  ]);
});

test("any bytes are refused or understood, and a head that is understood means the same when it is sent on", () => {
  const byte = integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const garbage = string({ unit: byte, maxLength: 8 });
  const name = constantFrom("Host", "content-length", "Transfer-Encoding", "X-A", "Connection", "", "a b");
  const value = oneof(constantFrom("1", "chunked", " close ", "\tx", ""), garbage);
  const field = tuple(name, value).map(([key, text]) => `${key}:${text}\r\n`);
  const fields = array(field, { maxLength: 4 }).map((all) => all.join(""));
  const line = oneof(constantFrom("GET /a HTTP/1.1", "PUT /%41?b HTTP/1.0"), garbage);
  let understoodCount = 0;

  assert(
    property(line, fields, (requestLine, rest) => {
      const head = parse(`${requestLine}\r\n${HOST}${rest}`);
      if (typeof head === "number") return;
      understoodCount++;
      const sentOn = head.fields().map(([key, text]) => `${key}: ${text}\r\n`);
      const again = understood(`${requestLine}\r\n${sentOn.join("")}`);
      expect(again).toEqual(head);
      expect(again.fields()).toEqual(head.fields());
    }),
    { numRuns: 1_000 },
  );

  expect(understoodCount).toBeGreaterThan(50);
});
