// Request line and headers. One pass over the head as a string: whatever is not exactly a token, a
// field value or CR LF where it is due is refused, so that two readers of the same bytes cannot differ
// about where a request ends (performance.md §3, client-api.md §2 and §18). Hot path.

import type { HttpHeaders } from "@kv/rafthttp/http";
import { parseTarget, type Target } from "./target.ts";
import { isToken } from "./token.ts";

/** Why a head is refused; the connection ends with it. */
export type HeadRefusal = 400 | 501 | 505;

/** What the client expects before it sends its body. */
export type Expectation = "nothing" | "continue" | "unknown";

/** `bodyLength` of a body in chunks. */
export const CHUNKED = -1;

const VERSION_LENGTH = " HTTP/1.1".length;

/** More digits than this are no length of anything. */
const LENGTH_DIGITS_MAX = 15;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;
const DELETE = 0x7f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** Turns a capital letter into a small one. */
const SMALL = 0x20;

/** A head that was understood. Fields are looked up when somebody asks. */
export class RequestHead {
  readonly method: string;
  /** null: `OPTIONS *`, a question to the server itself. */
  readonly target: Target | null;
  readonly isHttp10: boolean;
  readonly isKeepAlive: boolean;
  /** In bytes; 0 when there is none, `CHUNKED` when only its chunks will tell. */
  readonly bodyLength: number;
  readonly expectation: Expectation;
  readonly #text: string;
  readonly #fieldsStart: number;

  constructor(
    line: { readonly method: string; readonly target: Target | null; readonly isHttp10: boolean },
    fields: Fields,
    text: string,
    fieldsStart: number,
  ) {
    this.method = line.method;
    this.target = line.target;
    this.isHttp10 = line.isHttp10;
    this.isKeepAlive = line.isHttp10 ? fields.keepsAlive && !fields.closes : !fields.closes;
    this.bodyLength = fields.bodyLength;
    this.expectation = line.isHttp10 ? "nothing" : fields.expectation;
    this.#text = text;
    this.#fieldsStart = fieldsStart;
  }

  /** The first value of a field; `name` is lower case. */
  field(name: string): string | undefined {
    const text = this.#text;
    for (let at = this.#fieldsStart; at < text.length; at = text.indexOf("\n", at) + 1) {
      const nameEnd = at + name.length;
      if (text.charCodeAt(nameEnd) === COLON && isName(text, at, name))
        return trimmed(text, nameEnd + 1, text.indexOf("\r", nameEnd));
    }
    return undefined;
  }

  /** All fields in the order and case in which they were sent. */
  fields(): HttpHeaders {
    const text = this.#text;
    const fields: [string, string][] = [];
    for (let at = this.#fieldsStart; at < text.length; at = text.indexOf("\n", at) + 1) {
      const colon = text.indexOf(":", at);
      fields.push([text.slice(at, colon), trimmed(text, colon + 1, text.indexOf("\r", colon))]);
    }
    return fields;
  }
}

/** Reads the head in `bytes[start, end)`, its last line's CR LF included, the empty line not. */
export function parseHead(bytes: Buffer, start: number, end: number): RequestHead | HeadRefusal {
  const text = bytes.toString("latin1", start, end);
  const lineEnd = text.indexOf("\r\n");
  const methodEnd = tokenEnd(text, 0);
  if (methodEnd === 0 || text.charCodeAt(methodEnd) !== BLANK) return 400;
  const targetStart = methodEnd + 1;
  const targetEnd = lineEnd - VERSION_LENGTH;
  if (!isTarget(text, targetStart, targetEnd)) return 400;
  const isHttp10 = text.startsWith(" HTTP/1.0", targetEnd);
  if (!isHttp10 && !text.startsWith(" HTTP/1.1", targetEnd))
    return isVersion(text, targetEnd, lineEnd) ? 505 : 400;

  const fields = new Fields();
  for (let at = lineEnd + 2; at < text.length;) {
    const nameEnd = tokenEnd(text, at);
    if (nameEnd === at || text.charCodeAt(nameEnd) !== COLON) return 400;
    const valueEnd = fieldValueEnd(text, nameEnd + 1);
    if (text.charCodeAt(valueEnd) !== CR || text.charCodeAt(valueEnd + 1) !== LF) return 400;
    const refusal = fields.read(text, at, nameEnd, valueEnd);
    if (refusal !== null) return refusal;
    at = valueEnd + 2;
  }
  const refusal = fields.check(isHttp10);
  if (refusal !== null) return refusal;

  const method = methodIn(text, methodEnd);
  // Decoded by itself: a slice of `text` in the store would keep the whole head alive (performance.md §8).
  const url = bytes.toString("latin1", start + targetStart, start + targetEnd);
  const target = parseTarget(url);
  if (target === null && !(method === "OPTIONS" && url === "*")) return 400;
  return new RequestHead({ method, target, isHttp10 }, fields, text, lineEnd + 2);
}

/** The fields that decide about framing and about the connection. */
class Fields {
  bodyLength = 0;
  keepsAlive = false;
  closes = false;
  expectation: Expectation = "nothing";
  #hostCount = 0;
  #hasLength = false;
  #isChunked = false;

  read(text: string, at: number, nameEnd: number, valueEnd: number): HeadRefusal | null {
    switch (nameEnd - at) {
      case 4:
        if (isName(text, at, "host")) this.#hostCount++;
        return null;
      case 6:
        if (isName(text, at, "expect")) this.#readExpectation(trimmed(text, nameEnd + 1, valueEnd));
        return null;
      case 10:
        if (isName(text, at, "connection")) this.#readConnection(trimmed(text, nameEnd + 1, valueEnd));
        return null;
      case 14:
        if (!isName(text, at, "content-length")) return null;
        return this.#readLength(trimmed(text, nameEnd + 1, valueEnd));
      case 17:
        if (!isName(text, at, "transfer-encoding")) return null;
        return this.#readCoding(text.slice(nameEnd + 1, valueEnd));
      default:
        return null;
    }
  }

  /** What can be said only when all fields are known. */
  check(isHttp10: boolean): HeadRefusal | null {
    if (this.#hostCount > 1 || (this.#hostCount === 0 && !isHttp10)) return 400;
    // RFC 9112 §6.1: old intermediaries may not know chunks and forward what follows as a request.
    if (this.#isChunked && (this.#hasLength || isHttp10)) return 400;
    return null;
  }

  #readExpectation(value: string): void {
    const isKnown = value.toLowerCase() === "100-continue";
    if (this.expectation !== "unknown") this.expectation = isKnown ? "continue" : "unknown";
  }

  #readConnection(value: string): void {
    for (const option of value.toLowerCase().split(",")) {
      const name = option.trim();
      if (name === "close") this.closes = true;
      else if (name === "keep-alive") this.keepsAlive = true;
    }
  }

  /** Twice the same is refused too: somebody on the way may have taken the other one. */
  #readLength(value: string): HeadRefusal | null {
    if (this.#hasLength || value.length === 0 || value.length > LENGTH_DIGITS_MAX) return 400;
    let length = 0;
    for (let at = 0; at < value.length; at++) {
      const digit = value.charCodeAt(at);
      if (digit < DIGIT_0 || digit > DIGIT_9) return 400;
      length = length * 10 + (digit - DIGIT_0);
    }
    this.#hasLength = true;
    this.bodyLength = length;
    return null;
  }

  /** A tab around the coding is as good as a blank, but there are readers that take it for a part of the name. */
  #readCoding(value: string): HeadRefusal | null {
    if (this.#isChunked || value.includes("\t")) return 400;
    // Not String.trim: it takes more for a blank than a header may have around its value.
    if (trimmed(value, 0, value.length).toLowerCase() !== "chunked") return 501;
    this.#isChunked = true;
    this.bodyLength = CHUNKED;
    return null;
  }
}

/** The common methods are strings of the program, so that comparing them is comparing pointers. */
function methodIn(text: string, end: number): string {
  switch (end) {
    case 3:
      if (text.startsWith("GET")) return "GET";
      if (text.startsWith("PUT")) return "PUT";
      break;
    case 4:
      if (text.startsWith("POST")) return "POST";
      break;
    case 6:
      if (text.startsWith("DELETE")) return "DELETE";
      break;
  }
  return text.slice(0, end);
}

function tokenEnd(text: string, start: number): number {
  let at = start;
  while (isToken(text.charCodeAt(at))) at++;
  return at;
}

/** The first character that is not part of a field value. */
function fieldValueEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    const code = text.charCodeAt(at);
    const isValue = code >= BLANK ? code !== DELETE : code === TAB; // NaN, the end, is neither
    if (!isValue) return at;
    at++;
  }
}

/** Not empty, without blanks and control characters. Raw bytes above 0x7f are accepted, as etcd does. */
function isTarget(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code <= BLANK || code === DELETE) return false;
  }
  return start < end;
}

/** ` HTTP/` and two digits with a dot between them. */
function isVersion(text: string, start: number, end: number): boolean {
  return /^ HTTP\/[0-9]\.[0-9]$/.test(text.slice(start, end));
}

function isName(text: string, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const code = text.charCodeAt(start + at);
    const small = code >= 0x41 && code <= 0x5a ? code | SMALL : code;
    if (small !== name.charCodeAt(at)) return false;
  }
  return true;
}

/** Without the blanks and tabs around it. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isGap(text.charCodeAt(from))) from++;
  while (to > from && isGap(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isGap(code: number): boolean {
  return code === BLANK || code === TAB;
}
