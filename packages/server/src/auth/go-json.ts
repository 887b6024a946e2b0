// What JSON means to Go's decoder, as far as users and roles need it: names of members in any case, the
// last one of a name wins, unknown ones are ignored, null is the same as nothing, and text is Unicode.

import { z } from "zod";

/** A text; null is the empty one. Lone surrogates become U+FFFD, as Go reads them. */
export const goText: z.ZodType<string> = z
  .string()
  .nullish()
  .transform((text) => (text ?? "").toWellFormed());

/** A list of texts, or null when it was not given: Go prints the two differently. */
export const goTexts: z.ZodType<readonly string[] | null> = z
  .array(goText)
  .nullish()
  .transform((texts) => texts ?? null);

/** An object with the members of `schema`, whose names are lower case; null has none of them. */
export function goObject<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.preprocess(foldNames, schema);
}

function foldNames(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), inner]));
}

/**
 * What the first JSON value of a text means to `schema`; what follows it is not looked at.
 *
 * @returns null when there is no such value.
 */
export function decodeJson<T>(text: string, schema: z.ZodType<T>): T | null {
  let value: unknown;
  try {
    value = JSON.parse(text.slice(0, endOfFirstValue(text)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const decoded = schema.safeParse(value);
  return decoded.success ? decoded.data : null;
}

/** Where an object ends that may be followed by more; the end of the text for everything else. */
function endOfFirstValue(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at + 1;
  }
  return text.length;
}

/** The offset of the closing quote, or of the last character when there is none. */
function endOfString(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
