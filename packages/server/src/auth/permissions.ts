// What a role allows: patterns of keys to read and to write (client-api.md §14.3, §14.5).

import { compareText, quoteJson } from "@kv/store";
import { z } from "zod";
import { AuthError } from "./auth-error.ts";
import { goObject, goTexts } from "./go-json.ts";

/** Patterns of one kind; null when none were ever given, which etcd prints otherwise than an empty list. */
export type Patterns = readonly string[] | null;

/** What may be read and what may be written. */
export interface Permissions {
  readonly read: Patterns;
  readonly write: Patterns;
}

/** `{"kv":{"read":[…],"write":[…]}}` as Go decodes it. */
export const permissionsSchema: z.ZodType<Permissions> = goObject(
  z.object({ kv: goObject(z.object({ read: goTexts, write: goTexts })) }).transform(({ kv }) => kv),
);

/** As etcd prints it. */
export function permissionsJson({ read, write }: Permissions): string {
  return `{"kv":{"read":${textsJson(read)},"write":${textsJson(write)}}}`;
}

/** A list of texts, or `null`. */
export function textsJson(texts: readonly string[] | null): string {
  return texts === null ? "null" : `[${texts.map(quoteJson).join(",")}]`;
}

/** Whether there is no pattern in it. */
export function isEmpty({ read, write }: Permissions): boolean {
  return (read ?? []).length === 0 && (write ?? []).length === 0;
}

/** Whether one of the patterns is the empty text, which no key can match. */
export function hasEmptyPattern({ read, write }: Permissions): boolean {
  return (read ?? []).includes("") || (write ?? []).includes("");
}

/**
 * Whether a pattern covers a key. One that ends in `*` covers all keys that begin with the rest, any
 * other only itself. For a recursive request only the former count.
 */
export function covers(
  pattern: string,
  key: string,
  { recursive }: { readonly recursive: boolean },
): boolean {
  if (pattern.endsWith("*")) return key.startsWith(pattern.slice(0, -1));
  // An empty pattern covers nothing, not even the root, whose key may be empty.
  return !recursive && pattern !== "" && key === pattern;
}

/** @throws {AuthError} when something is there already. */
export function grant(permissions: Permissions, added: Permissions): Permissions {
  return {
    read: withAdded(permissions.read, added.read, "read"),
    write: withAdded(permissions.write, added.write, "write"),
  };
}

/** What is not there is ignored. */
export function revoke(permissions: Permissions, removed: Permissions): Permissions {
  return {
    read: withRemoved(permissions.read, removed.read),
    write: withRemoved(permissions.write, removed.write),
  };
}

function withAdded(patterns: Patterns, added: Patterns, kind: "read" | "write"): readonly string[] {
  const all = new Set(patterns);
  for (const pattern of added ?? []) {
    if (all.has(pattern)) {
      throw new AuthError("E_AUTH_CONFLICT", `Granting duplicate ${kind} permission ${pattern}`);
    }
    all.add(pattern);
  }
  return [...all].toSorted(compareText);
}

function withRemoved(patterns: Patterns, removed: Patterns): readonly string[] {
  const all = new Set(patterns);
  for (const pattern of removed ?? []) all.delete(pattern);
  return [...all].toSorted(compareText);
}
