// Percent-escapes of targets, queries and forms, decoded as Go decodes them (client-api.md §4.1, §4.2).
// Input is as it came from the wire, one character per byte; output is text, with bytes that are
// not UTF-8 as lone surrogates. Hot path.

import { bytesToText } from "@kv/store";

const PERCENT = 0x25;
const PLUS = 0x2b;

/** Where the first `%` without two hexadecimal digits behind it stands, or -1. */
export function findBadEscape(raw: string): number {
  for (let at = raw.indexOf("%"); at >= 0; at = raw.indexOf("%", at + 3)) {
    if (hexValue(raw.charCodeAt(at + 1)) < 0 || hexValue(raw.charCodeAt(at + 2)) < 0) return at;
  }
  return -1;
}

/** The offending escape as Go's error names it: at most three characters, quoted. */
export function describeBadEscape(raw: string, at: number): string {
  return `invalid URL escape ${quoteGo(raw.slice(at, at + 3))}`;
}

/** Decodes escapes that `findBadEscape` found to be good; in a path a plus is a plus. */
export function decodePath(raw: string): string {
  return isPlain(raw, false) ? raw : decode(raw, false);
}

/** Decodes escapes that `findBadEscape` found to be good; in queries and forms a plus is a blank. */
export function decodeFormText(raw: string): string {
  return isPlain(raw, true) ? raw : decode(raw, true);
}

/** A text as long as this is searched by the runtime, which looks at many characters at once. */
const LONG_TEXT = 256;

function isPlain(raw: string, plusIsBlank: boolean): boolean {
  if (raw.length >= LONG_TEXT) {
    const isEscaped = raw.includes("%") || (plusIsBlank && raw.includes("+"));
    return !isEscaped && Buffer.byteLength(raw) === raw.length;
  }
  for (let at = 0; at < raw.length; at++) {
    const unit = raw.charCodeAt(at);
    if (unit === PERCENT || unit > 0x7f || (plusIsBlank && unit === PLUS)) return false;
  }
  return true;
}

function decode(raw: string, plusIsBlank: boolean): string {
  const bytes = Buffer.allocUnsafe(raw.length);
  let end = 0;
  for (let at = 0; at < raw.length; at++) {
    const unit = raw.charCodeAt(at);
    if (unit === PERCENT) {
      bytes[end++] = (hexValue(raw.charCodeAt(at + 1)) << 4) | hexValue(raw.charCodeAt(at + 2));
      at += 2;
    } else {
      bytes[end++] = plusIsBlank && unit === PLUS ? 0x20 : unit;
    }
  }
  return bytesToText(bytes.subarray(0, end));
}

/** -1 for anything but a digit, NaN included (`charCodeAt` beyond the end). */
function hexValue(unit: number): number {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  if (unit >= 0x41 && unit <= 0x46) return unit - 0x41 + 10;
  if (unit >= 0x61 && unit <= 0x66) return unit - 0x61 + 10;
  return -1;
}

/** A string literal as Go prints it; every character stands for one byte. */
function quoteGo(latin1: string): string {
  let quoted = '"';
  for (const char of bytesToText(Buffer.from(latin1, "latin1"))) quoted += quoteGoChar(char);
  return `${quoted}"`;
}

const GO_SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function quoteGoChar(char: string): string {
  const short = GO_SHORT_ESCAPES.get(char);
  if (short !== undefined) return short;
  const unit = char.charCodeAt(0);
  if (unit >= 0xdc80 && unit <= 0xdcff) return `\\x${(unit - 0xdc00).toString(16)}`;
  if (unit < 0x20 || unit === 0x7f) return `\\x${unit.toString(16).padStart(2, "0")}`;
  if (unit < 0xa0 && unit > 0x7f) return `\\u${unit.toString(16).padStart(4, "0")}`;
  return char;
}
