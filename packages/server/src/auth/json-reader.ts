// Stored users and roles, decoded once: with authentication on every request needs some. Hot path.

import type { z } from "zod";
import { decodeJson } from "./go-json.ts";

/** More users or roles than this are decoded anew now and then. */
const KEPT_LIMIT = 1_024;

/** Decodes texts of one kind, and remembers what they mean. */
export class JsonReader<T> {
  readonly #schema: z.ZodType<T>;
  readonly #byText = new Map<string, T | null>();

  constructor(schema: z.ZodType<T>) {
    this.#schema = schema;
  }

  /** The same object for the same text, null when it does not fit. */
  read(text: string): T | null {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const value = decodeJson(text, this.#schema);
    if (this.#byText.size >= KEPT_LIMIT) this.#byText.clear();
    this.#byText.set(text, value);
    return value;
  }
}
