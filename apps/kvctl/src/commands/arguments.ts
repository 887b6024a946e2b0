// The arguments that key commands share. Spec: ctl.md §4.

import { argumentError } from "../errors.ts";
import type { Flag } from "../flags.ts";
import { readValue } from "../standard-input.ts";
import type { Call } from "./command.ts";

/** `--ttl`, as all writes have it. */
export const TTL_FLAG: Flag = { name: "ttl", kind: "integer", help: "seconds to live; 0 or less: forever" };

/** @throws {KvctlError} E_ARGUMENT if there is none */
export function keyArgument({ words }: Call): string {
  const [key] = words;
  if (key === undefined) throw argumentError("key required");
  return key;
}

/** The second argument, else standard input; words behind it are ignored, as etcdctl does. */
export async function valueArgument({ words }: Call): Promise<string | Uint8Array> {
  return words[1] ?? (await readValue());
}

/** The TTL in seconds, or undefined for none. */
export function ttlFlag({ flags }: Call): number | undefined {
  return positive(flags.integer("ttl"));
}

/** The conditions of a compare; etcdctl takes an empty value and the index 0 for no condition. */
export function compareFlags(
  { flags }: Call,
  names: { readonly value: string; readonly index: string },
): { prevValue: string | undefined; prevIndex: number | undefined } {
  const prevValue = flags.text(names.value);
  return {
    prevValue: prevValue === "" ? undefined : prevValue,
    prevIndex: positive(flags.integer(names.index)),
  };
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
