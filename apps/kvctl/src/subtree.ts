// A subtree as a list of entries: what `export` writes as JSON lines, `import` reads and `diff` compares.
// Keys are relative to the subtree's own, so that it can be put elsewhere.

import type { Client, Node } from "@kv/client";
import { KvctlError } from "./errors.ts";

/** One key. A directory comes before what is in it. */
export interface Entry {
  /** From the key of the subtree on: empty for that key itself, else with a slash in front. */
  readonly key: string;
  /** Null for a directory. */
  readonly value: string | null;
  /** Seconds left; null without a TTL. */
  readonly ttl: number | null;
}

/** How to read a subtree. */
export interface ReadSubtreeOptions {
  readonly quorum: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The entries below a key, and its own, by key. Hidden keys are not listed by the server and are left out.
 *
 * @throws what the client throws
 */
export async function readSubtree(
  client: Client,
  key: string,
  { quorum, signal }: ReadSubtreeOptions,
): Promise<readonly Entry[]> {
  const { node } = await client.keys.get(key, { recursive: true, sorted: true, quorum, signal });
  return [...entriesOf(node, node.key.length)];
}

function* entriesOf(node: Node, rootLength: number): Generator<Entry> {
  yield { key: node.key.slice(rootLength), value: node.dir ? null : (node.value ?? ""), ttl: node.ttl };
  for (const child of node.nodes ?? []) yield* entriesOf(child, rootLength);
}

/** One line of JSON: `key`, then `value` or `dir`, and `ttl` if there is one. */
export function formatEntry({ key, value, ttl }: Entry): string {
  const content = value === null ? { dir: true } : { value };
  return JSON.stringify({ key, ...content, ...(ttl === null ? {} : { ttl }) });
}

/**
 * The reverse of {@link formatEntry}.
 *
 * @throws {KvctlError} E_ARGUMENT that names the line, counted from 1
 */
export function parseEntry(line: string, lineNumber: number): Entry {
  const fail = (problem: string): KvctlError =>
    new KvctlError("E_ARGUMENT", `Error:  line ${lineNumber}: ${problem}`);
  const parsed = parseObject(line);
  if (parsed === null) throw fail("not a JSON object");
  const { key, value, dir, ttl = null } = parsed;
  if (typeof key !== "string" || !/^(?:\/.*)?$/s.test(key))
    throw fail('"key" must be empty or begin with a slash');
  // The server would take them for ways out of the subtree.
  if (/\/\.\.?(?:\/|$)/.test(key)) throw fail('"key" must not have . or .. between its slashes');
  if (ttl !== null && !(typeof ttl === "number" && Number.isInteger(ttl) && ttl > 0)) {
    throw fail('"ttl" must be a positive integer');
  }
  if (dir === true && value === undefined) return { key, value: null, ttl };
  if (dir === undefined && typeof value === "string") return { key, value, ttl };
  throw fail('either "value" must be a string or "dir" must be true');
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : null;
  } catch {
    // The caller says which line it is.
    return null;
  }
}
