// The value types of etcd's flags, as schemas from the text on the command line to a typed value.
// The message of an issue is what etcd prints after the last colon. Spec: server-flags.md §1 to §4.

import { isIP } from "node:net";
import { parseUrls, UrlError } from "@kv/server";
import { z } from "zod";

/** Any text, the empty one included. */
export const text = z.string();

/** Go's boolean literals. */
export const boolean = z
  .enum(["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"], {
    error: "parse error",
  })
  .transform((literal) => /^[1tT]/.test(literal));

const UINT64_MAX = 2n ** 64n - 1n;
// Digits as in Go source: 0x, 0o, 0b, a leading 0 for octal, single underscores between digits.
const UNSIGNED =
  /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;

/** An unsigned 64-bit number. Above 2^53 the value is rounded: as a count or a duration it means "never" anyway. */
export const unsigned = z.string().transform((literal, context) => {
  const value = UNSIGNED.test(literal)
    ? BigInt(literal.replaceAll("_", "").replace(/^0(?=[0-7])/, "0o"))
    : null;
  if (value !== null && value <= UINT64_MAX) return Number(value);
  context.addIssue(value === null ? "parse error" : "value out of range");
  return z.NEVER;
});

/** An unsigned number of milliseconds that is divided by: 0 makes no sense. (etcd 2.3.8 dies of a division.) */
export const positive = unsigned.refine((value) => value > 0, { error: "must be at least 1" });

/** A signed number; only its syntax matters. */
export const integer = z
  .string()
  .regex(/^[+-]?\d+$/, { error: "parse error" })
  .transform(Number);

/** One word of a set. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: "invalid value" });
}

/** A comma-separated list of URLs, sorted. */
export const urlList = z.string().transform((list, context): readonly string[] => {
  try {
    return parseUrls(list.split(","));
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    context.addIssue(error.message);
    return z.NEVER;
  }
});

/** Origins for CORS, comma separated: `*` or URLs. Empty: none. */
export const origins = z.string().transform((list, context): readonly string[] => {
  const found = list === "" ? [] : list.split(",");
  const bad = found.find((origin) => origin !== "*" && /[\s\p{Cc}]|^:|%(?![0-9A-Fa-f]{2})/u.test(origin));
  if (bad === undefined) return found;
  context.addIssue(`Invalid CORS origin: ${bad}`);
  return z.NEVER;
});

/** `IP:port`, the address form of etcd 0.4. Empty is refused; the default is "". */
export const ipAddress = z.string().transform((address, context) => {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/.exec(address);
  if (match === null || isIP(match[1] ?? match[2] ?? "") === 0) {
    context.addIssue("bad IP in address specification");
    return z.NEVER;
  }
  if (/^\d+$/.test(match[3] ?? "")) return address;
  context.addIssue("bad port in address specification");
  return z.NEVER;
});
