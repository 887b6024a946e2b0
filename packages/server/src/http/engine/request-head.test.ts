import { describe, expect, test } from "vitest";
import { array, assert, constantFrom, integer, oneof, property, string, tuple } from "fast-check";
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
  test.each<[string, HeadRefusal, string]>([
    ["no target", 400, `GET HTTP/1.1\r\n${HOST}`],
    ["an empty target", 400, `GET  HTTP/1.1\r\n${HOST}`],
    ["two blanks before the version", 400, `GET /a  HTTP/1.1\r\n${HOST}`],
    ["a blank behind the version", 400, `GET /a HTTP/1.1 \r\n${HOST}`],
    ["a blank before the method", 400, ` GET /a HTTP/1.1\r\n${HOST}`],
    ["a tab instead of a blank", 400, `GET\t/a HTTP/1.1\r\n${HOST}`],
    ["a control character in the target", 400, `GET /a\x01 HTTP/1.1\r\n${HOST}`],
    ["a bare CR in the target", 400, `GET /a\rb HTTP/1.1\r\n${HOST}`],
    ["a bare LF in the target", 400, `GET /a\nb HTTP/1.1\r\n${HOST}`],
    ["a bare LF behind the request line", 400, `GET /a HTTP/1.1\n${HOST}`],
    ["a method with a colon", 400, `GE:T /a HTTP/1.1\r\n${HOST}`],
    ["a version in small letters", 400, `GET /a http/1.1\r\n${HOST}`],
    ["a version with two digits", 400, `GET /a HTTP/1.10\r\n${HOST}`],
    ["a version without its minor", 400, `GET /a HTTP/1\r\n${HOST}`],
    ["no version", 400, `GET /a\r\n${HOST}`],
    ["HTTP/2.0", 505, `PRI /a HTTP/2.0\r\n${HOST}`],
    ["HTTP/0.9", 505, `GET /a HTTP/0.9\r\n${HOST}`],
    ["HTTP/1.2", 505, `GET /a HTTP/1.2\r\n${HOST}`],
    ["an empty line first", 400, `\r\nGET /a HTTP/1.1\r\n${HOST}`],
    ["a target that is no path", 400, `GET a HTTP/1.1\r\n${HOST}`],
    ["an authority as target", 400, `CONNECT h:80 HTTP/1.1\r\n${HOST}`],
    ["a star for anything but OPTIONS", 400, `GET * HTTP/1.1\r\n${HOST}`],
    ["a bad escape in the path", 400, `GET /%g0 HTTP/1.1\r\n${HOST}`],
    ["no Host", 400, "GET /a HTTP/1.1\r\n"],
    ["two Hosts", 400, `GET /a HTTP/1.1\r\n${HOST}Host: i\r\n`],
    ["two Hosts with 1.0", 400, `GET /a HTTP/1.0\r\n${HOST}Host: i\r\n`],
    ["a blank before the colon", 400, `GET /a HTTP/1.1\r\n${HOST}Content-Length : 1\r\n`],
    ["a tab before the colon", 400, `GET /a HTTP/1.1\r\n${HOST}Transfer-Encoding\t: chunked\r\n`],
    ["a blank before the name", 400, `GET /a HTTP/1.1\r\n Host: h\r\n`],
    ["a folded value", 400, `GET /a HTTP/1.1\r\n${HOST}A: b\r\n\tc\r\n`],
    ["a field without a colon", 400, `GET /a HTTP/1.1\r\n${HOST}A\r\n`],
    ["a field without a name", 400, `GET /a HTTP/1.1\r\n${HOST}: b\r\n`],
    ["a NUL in a value", 400, `GET /a HTTP/1.1\r\n${HOST}A: b\0c\r\n`],
    ["a bare CR in a value", 400, `GET /a HTTP/1.1\r\n${HOST}A: b\rc\r\n`],
    ["a bare LF in a value", 400, `GET /a HTTP/1.1\r\n${HOST}A: b\nContent-Length: 1\r\n`],
    ["a CR before CR LF", 400, `GET /a HTTP/1.1\r\n${HOST}A: b\r\r\n`],
    ["a DEL in a value", 400, `GET /a HTTP/1.1\r\n${HOST}A: \x7f\r\n`],
    ["a byte above ASCII in a name", 400, `GET /a HTTP/1.1\r\n${HOST}\xe4: b\r\n`],
    ["an underscore spelling of a name is another field", 400, `GET /a HTTP/1.1\r\nHost_: h\r\n`],
    [
      "length and coding",
      400,
      `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n`,
    ],
    [
      "coding and length",
      400,
      `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n`,
    ],
    ["differing lengths", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n`],
    ["equal lengths", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n`],
    [
      "a zero length and another",
      400,
      `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 5\r\n`,
    ],
    ["a list of lengths", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n`],
    ["an empty length", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length:\r\n`],
    ["a length with a sign", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: +1\r\n`],
    ["a negative length", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: -1\r\n`],
    ["a hexadecimal length", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 0x1\r\n`],
    ["a length with a blank in it", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 1 2\r\n`],
    ["a length beyond numbers", 400, `PUT /a HTTP/1.1\r\n${HOST}Content-Length: 18446744073709551617\r\n`],
    ["another coding", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n`],
    ["a list of codings", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n`],
    ["chunked and more", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n`],
    ["identity", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n`],
    ["a quoted coding", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: "chunked"\r\n`],
    ["nearly chunked", 501, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n`],
    ["a vertical tab before chunked", 400, `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: \vchunked\r\n`],
    [
      "two codings",
      400,
      `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`,
    ],
    [
      "two codings, the second unknown",
      400,
      `PUT /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n`,
    ],
    ["a coding with 1.0", 400, `PUT /a HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n`],
  ])("%s is %i", (_name, refusal, head) => {
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
