import { array, assert, integer, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkedDecoder, MALFORMED } from "./chunked-decoder.ts";
import { CHUNK_EXTENSIONS_MAX_BYTES, TRAILERS_MAX_BYTES } from "./limits.ts";

interface Decoded {
  readonly data: string;
  /** Everything behind the body; null: not chunks. */
  readonly rest: string | null;
  readonly isDone: boolean;
}

/** Decodes `text` in portions of the sizes given, then byte by byte. */
function decode(text: string, sizes: readonly number[] = [text.length]): Decoded {
  const bytes = Buffer.from(text, "latin1");
  const decoder = new ChunkedDecoder();
  let data = "";
  let at = 0;
  for (let turn = 0; at < bytes.length && !decoder.isDone; turn++) {
    const portion = bytes.subarray(at, at + (sizes[turn] ?? 1));
    const used = decoder.decode(portion, 0, (piece) => (data += piece.toString("latin1")));
    if (used === MALFORMED) return { data, rest: null, isDone: decoder.isDone };
    at += used;
  }
  return { data, rest: bytes.toString("latin1", at), isDone: decoder.isDone };
}

test.each([
  ["one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc"],
  ["two chunks", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"],
  ["none", "0\r\n\r\n", ""],
  ["zeros in front and capitals", "0000000A\r\n0123456789\r\n000\r\n\r\n", "0123456789"],
  ["extensions", "3;a=b;c=d\r\nabc\r\n0;x\r\n\r\n", "abc"],
  ["trailers", "3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", "abc"],
  ["data that looks like framing", "7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n", "0\r\n\r\n0\r"],
])("%s: decoded, byte by byte too, and what follows is left", (_name, body, data) => {
  const expected = { data, rest: "GET /", isDone: true };

  expect(decode(`${body}GET /`)).toEqual(expected);
  expect(decode(`${body}GET /`, [])).toEqual(expected);
});

describe("malformed", () => {
  test.each([
    ["no size", "\r\nabc\r\n0\r\n\r\n"],
    ["a size that is no number", "x\r\nabc\r\n"],
    ["a size with a prefix", "0x3\r\nabc\r\n"],
    ["a sign", "+3\r\nabc\r\n"],
    ["a blank before the size", " 3\r\nabc\r\n"],
    ["a blank behind the size", "3 \r\nabc\r\n"],
    ["nine digits", "000000003\r\nabc\r\n0\r\n\r\n"],
    ["a bare LF behind the size", "3\nabc\r\n0\r\n\r\n"],
    ["a CR without LF", "3\rabc\r\n0\r\n\r\n"],
    ["a bare LF in an extension", "3;a\nabc\r\n"],
    ["a NUL in an extension", "3;\0\r\nabc\r\n"],
    ["a quoted string in an extension", '3;a="b"\r\nabc\r\n'],
    ["an extension without a name", "3;\r\nabc\r\n"],
    ["a blank in an extension", "3;a=b \r\nabc\r\n"],
    ["a byte above ASCII in an extension", "3;a\x80\r\nabc\r\n"],
    ["too much data", "3\r\nabcd\r\n0\r\n\r\n"],
    ["too little data", "3\r\nab\r\n0\r\n\r\n"],
    ["a bare LF behind the data", "3\r\nabc\n0\r\n\r\n"],
    ["a bare LF at the end", "0\r\n\n"],
    ["a trailer without a name", "0\r\n: b\r\n\r\n"],
    ["a tab as the name of a trailer", "0\r\n\t: b\r\n\r\n"],
    ["a bare LF in a trailer", "0\r\nA: b\n\r\n"],
    ["extensions without end", `3;${"a".repeat(CHUNK_EXTENSIONS_MAX_BYTES + 1)}\r\n`],
    ["many small extensions", `1;${"e".repeat(255)}\r\na\r\n`.repeat(CHUNK_EXTENSIONS_MAX_BYTES / 255 + 1)],
    ["trailers without end", `0\r\n${"A: b\r\n".repeat(TRAILERS_MAX_BYTES / 4 + 1)}\r\n`],
  ])("%s", (_name, body) => {
    expect(decode(body).rest).toBeNull();
    expect(decode(body, []).rest).toBeNull();
  });
});

test("cut anywhere, the decoded body is the same", () => {
  const chunk = string({ unit: "binary-ascii", minLength: 1, maxLength: 40 });
  const sizes = array(integer({ min: 1, max: 9 }));
  assert(
    property(array(chunk), sizes, (chunks, cuts) => {
      const framed = chunks.map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join("");

      const expected = { data: chunks.join(""), rest: "next", isDone: true };
      expect(decode(`${framed}0\r\n\r\nnext`, cuts)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

/** The same coding read off the whole text at once; null: wrong or not complete. */
function decodeAtOnce(text: string): Pick<Decoded, "data" | "rest"> | null {
  let data = "";
  let at = 0;
  for (;;) {
    const line = /^([0-9a-f]{1,8})(;[!#$%&'*+.^_`|~0-9a-z-][=!#$%&'*+.^_`|~0-9a-z-]*)*\r\n/i.exec(
      text.slice(at),
    );
    if (line === null) return null;
    at += line[0].length;
    const size = Number.parseInt(line[1] ?? "", 16);
    if (size === 0) break;
    if (text.slice(at + size, at + size + 2) !== "\r\n") return null;
    data += text.slice(at, at + size);
    at += size + 2;
  }
  const trailers = /^([!#$%&'*+.^_`|~0-9a-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/i.exec(text.slice(at));
  return trailers === null ? null : { data, rest: text.slice(at + trailers[0].length) };
}

test("with any one byte changed, left out or added, a body is read as the grammar says or refused", () => {
  const valid = "5;e=1\r\nhello\r\n1\r\n!\r\n0\r\nT: t\r\n\r\n";
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  let acceptedCount = 0;
  for (let at = 0; at < valid.length; at++) {
    const [before, behind] = [valid.slice(0, at), valid.slice(at + 1)];
    const changed = bytes.map((byte) => before + byte + behind);
    const added = bytes.map((byte) => before + byte + valid.slice(at));
    for (const mutated of [before + behind, ...changed, ...added]) {
      const expected = decodeAtOnce(mutated);
      const { data, rest, isDone } = decode(mutated);
      expect(isDone ? { data, rest } : null, JSON.stringify(mutated)).toEqual(expected);
      if (isDone) acceptedCount++;
    }
  }

  expect(acceptedCount).toBeGreaterThan(1_000);
});
