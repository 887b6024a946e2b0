// A key request's path, query and form become the Request that is proposed (client-api.md §4).
// The order of the checks is part of the API: the first failure is the one reported. Hot path.

import { ErrorCode, EtcdError, MAX_PATH_DEPTH } from "@kv/store";
import { newRequest, type Request, type RequestMethod, type Uint64 } from "../request.ts";
import { KeyForm } from "./key-form.ts";

/** The namespace of client keys in the store (client-api.md §3.1). */
export const KEYS_NAMESPACE = "/1";

/** The methods that keys answer to. */
export type KeyMethod = Exclude<RequestMethod, "QGET" | "SYNC">;

/** What a key request consists of, still undecoded but for the key. */
export interface RawKeyRequest {
  readonly method: KeyMethod;
  /** The decoded, clean path behind `/v2/keys`: "" or starting with a slash, perhaps ending with one. */
  readonly key: string;
  /** One character per byte. */
  readonly query: string;
  /** A form body, one character per byte; null when there is none or it is not a form. */
  readonly form: string | null;
}

/** A key request that may be carried out. */
export interface KeyRequest {
  readonly request: Request;
  /** Answer a successful write without nodes. 2.3.8 does not know it; this is what 3.4.23 does. */
  readonly noValueOnSuccess: boolean;
}

/**
 * Checks and decodes a key request.
 *
 * `now` is the wall clock in Unix nanoseconds; it is asked only when a TTL is given. The expiry is
 * a signed 64-bit number that wraps around, as etcd's does: it is replicated (client-api.md §3.5).
 *
 * @throws {EtcdError} 201, 202, 203, 209, 210, 211 or 212, with index 0.
 */
export function parseKeyRequest(raw: RawKeyRequest, now: () => bigint): KeyRequest {
  const request = newRequest(raw.method, storePath(raw.key));
  if (raw.query === "" && raw.form === null) {
    checkDepth(request.path);
    return { request, noValueOnSuccess: false };
  }
  const form = new KeyForm();
  if (raw.form !== null) form.read(raw.form);
  form.read(raw.query);

  request.prevIndex = parseIndex("prevIndex", form.prevIndex);
  request.since = parseIndex("waitIndex", form.waitIndex);
  request.recursive = parseFlag("recursive", form.recursive);
  request.sorted = parseFlag("sorted", form.sorted);
  request.wait = parseFlag("wait", form.wait);
  request.dir = parseFlag("dir", form.dir);
  request.quorum = parseFlag("quorum", form.quorum);
  request.stream = parseFlag("stream", form.stream);
  if (request.wait && raw.method !== "GET") throw invalidField('"wait" can only be used with GET requests');
  if (form.prevValue === "") {
    throw new EtcdError(ErrorCode.PrevValueRequired, '"prevValue" cannot be empty', 0);
  }
  request.prevValue = form.prevValue ?? "";
  const noValueOnSuccess = parseFlag("noValueOnSuccess", form.noValueOnSuccess);
  const ttl = parseTtl(form.ttl);
  request.prevExist = parseOptionalFlag("prevExist", form.prevExist);
  request.refresh = parseOptionalFlag("refresh", form.refresh);
  request.val = form.value ?? "";
  if (request.refresh === true) checkRefresh(request.val, ttl);
  checkDepth(request.path);
  if (ttl !== null) request.expiration = expirationNanos(now(), ttl);
  return { request, noValueOnSuccess };
}

/** The store's path of a key: in its namespace, without a slash at the end. */
function storePath(key: string): string {
  const end = key.endsWith("/") ? key.length - 1 : key.length;
  return KEYS_NAMESPACE + key.slice(0, end);
}

/** The store would refuse it too, but only after it has been through the log. */
function checkDepth(path: string): void {
  if (path.length <= MAX_PATH_DEPTH) return; // not even if all of it were slashes
  let count = 0;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) count++;
  if (count > MAX_PATH_DEPTH) throw invalidField(`key has more than ${MAX_PATH_DEPTH} levels`);
}

function checkRefresh(value: string, ttl: Uint64 | null): void {
  if (value !== "") {
    throw new EtcdError(ErrorCode.RefreshValue, "A value was provided on a refresh", 0);
  }
  if (ttl === null) throw new EtcdError(ErrorCode.RefreshTtlRequired, "No TTL value set", 0);
}

function expirationNanos(now: bigint, ttlSeconds: Uint64): bigint {
  return BigInt.asIntN(64, now + BigInt(ttlSeconds) * 1_000_000_000n);
}

function parseIndex(name: string, text: string | null): Uint64 {
  if (text === null) return 0;
  const index = parseUint64(text);
  if (index === null) {
    throw new EtcdError(ErrorCode.IndexNotANumber, `invalid value for "${name}"`, 0);
  }
  return index;
}

function parseTtl(text: string | null): Uint64 | null {
  if (text === null || text === "") return null;
  const ttl = parseUint64(text);
  if (ttl === null) throw new EtcdError(ErrorCode.TtlNotANumber, 'invalid value for "ttl"', 0);
  return ttl;
}

function parseFlag(name: string, text: string | null): boolean {
  if (text === null) return false;
  const flag = parseBoolean(text);
  if (flag === null) throw invalidField(`invalid value for "${name}"`);
  return flag;
}

function parseOptionalFlag(name: string, text: string | null): boolean | null {
  if (text === null) return null;
  const flag = parseBoolean(text);
  if (flag === null) throw invalidField(`invalid value for ${name}`); // without quotes, unlike the others
  return flag;
}

function invalidField(cause: string): EtcdError {
  return new EtcdError(ErrorCode.InvalidField, cause, 0);
}

function parseBoolean(text: string): boolean | null {
  switch (text) {
    case "1":
    case "t":
    case "T":
    case "true":
    case "TRUE":
    case "True":
      return true;
    case "0":
    case "f":
    case "F":
    case "false":
    case "FALSE":
    case "False":
      return false;
    default:
      return null;
  }
}

const UINT64_MAX_DIGITS = 20;
const UINT64_MAX = (1n << 64n) - 1n;

/** Decimal digits only, at most 2^64 − 1; leading zeros are fine. */
function parseUint64(text: string): Uint64 | null {
  if (text === "") return null;
  let value = 0;
  let leadingZeros = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return null;
    if (value === 0 && digit === 0) leadingZeros++;
    value = value * 10 + digit;
  }
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  // Bounded before it becomes a bigint: converting takes more than linear time.
  if (text.length - leadingZeros > UINT64_MAX_DIGITS) return null;
  const exact = BigInt(text.slice(leadingZeros));
  return exact <= UINT64_MAX ? exact : null;
}
