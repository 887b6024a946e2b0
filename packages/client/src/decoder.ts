// Checking an answer against its schema, at the edge and nowhere else.

// The functional half of zod: a bundler leaves out what is not called, and a program starts sooner.
import type * as z from "zod/mini";
import { ClientError } from "./errors.ts";

/** The schema of one kind of answer. */
export type Decoder<T> = () => z.ZodMiniType<T>;

/** A schema that is made when it is needed first: to make all of them takes a short-lived program some milliseconds. */
export function decoder<T>(make: () => z.ZodMiniType<T>): Decoder<T> {
  let schema: z.ZodMiniType<T> | null = null;
  return () => (schema ??= make());
}

/**
 * The answer's body as `T`.
 *
 * @throws {ClientError} E_BAD_RESPONSE if it is not JSON of that shape; a write has then been carried out
 */
export function decode<T>(
  schema: Decoder<T>,
  answer: { readonly endpoint: string; readonly body: string },
): T {
  const result = schema().safeParse(parseJson(answer.body));
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join(".") ?? "";
  const place = where === "" ? "" : ` at "${where}"`; // The answer as a whole has no place of its own.
  throw new ClientError(
    "E_BAD_RESPONSE",
    `${answer.endpoint} answered something else than the v2 API does${place}`,
    { cause: result.error, outcomeUnknown: true },
  );
}

/** The parsed text, or undefined: no schema accepts that. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is one of the shapes that do not fit; the schema reports it.
    return undefined;
  }
}
