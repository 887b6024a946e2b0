// The dump of an etcd 0.4 (`GET /v2/migration/snapshot`) as entries. The store's tree is in it as JSON: a
// directory has Children, a file has none. Spec: ctl.md §9.

import { KvctlError } from "./errors.ts";
import type { Entry } from "./subtree.ts";

/** What a key that was about to expire is given at least: the dump may have lain around. As etcdctl. */
const MINIMUM_TTL_SECONDS = 300;

/** How to read a dump. */
export interface DumpOptions {
  /** Hidden keys to read all the same, with everything below them. */
  readonly hidden: readonly string[];
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * The entries of a dump, a directory before what is in it.
 *
 * @throws {KvctlError} E_FILE, also where etcdctl takes a broken file for an empty one
 */
export function parseDump(text: string, options: DumpOptions): readonly Entry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw notADump("it is no JSON", cause);
  }
  if (!isRecord(parsed) || !isRecord(parsed["Root"])) throw notADump("it has no Root");
  return [...entriesBelow(parsed["Root"], "", options)];
}

function* entriesBelow(
  directory: Readonly<Record<string, unknown>>,
  path: string,
  options: DumpOptions,
): Generator<Entry> {
  const children = directory["Children"];
  if (!isRecord(children)) return;
  for (const [name, child] of Object.entries(children)) {
    const key = `${path}/${name}`;
    if (name.startsWith("_") && !options.hidden.some((wanted) => isAtOrBelow(key, wanted))) continue;
    if (!isRecord(child)) throw notADump(`${key} is no node`);
    const { Value: value, Children: grandchildren } = child;
    const ttl = ttlOf(child["ExpireTime"], key, options.nowMs);
    if (isRecord(grandchildren)) {
      yield { key, value: null, ttl };
      yield* entriesBelow(child, key, options);
    } else if (typeof value === "string") yield { key, value, ttl };
    else throw notADump(`${key} has no value`);
  }
}

/** Seconds to live; null for the year 1, which stands for "never". */
function ttlOf(expireTime: unknown, key: string, nowMs: number): number | null {
  if (expireTime === undefined || (typeof expireTime === "string" && expireTime.startsWith("0001-")))
    return null;
  const expiresMs = typeof expireTime === "string" ? Date.parse(expireTime) : Number.NaN;
  if (Number.isNaN(expiresMs)) throw notADump(`${key} has no usable ExpireTime`);
  return Math.max(MINIMUM_TTL_SECONDS, Math.ceil((expiresMs - nowMs) / 1_000));
}

function isAtOrBelow(key: string, directory: string): boolean {
  const wanted = `/${directory.replaceAll(/^\/+|\/+$/g, "")}`;
  return key === wanted || key.startsWith(`${wanted}/`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notADump(problem: string, cause?: unknown): KvctlError {
  return new KvctlError("E_FILE", `this is no dump of etcd 0.4: ${problem}`, { cause });
}
