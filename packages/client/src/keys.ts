// The key space: one method per operation of client-api.md §3.4, each one request.

import { ClientError } from "./errors.ts";
import { encodeParameters, keyPath } from "./percent-encoding.ts";
import type { Parameters, Value } from "./percent-encoding.ts";
import type { Answer, ApiRequest, RequestOptions, Requester } from "./requester.ts";
import { decode } from "./decoder.ts";
import { keyEventDecoder } from "./schemas.ts";
import type { KeyEvent } from "./schemas.ts";

/** An event and where in history the answering server stood. */
export interface KeyResult extends KeyEvent {
  /** The store index after the operation; 0 if the server did not say it. */
  readonly etcdIndex: number;
}

/** Options of {@link Keys.get}. */
export interface GetOptions extends RequestOptions {
  /** All levels below a directory, not one. */
  readonly recursive?: boolean | undefined;
  /** Children by key, comparing bytes; otherwise in no order. */
  readonly sorted?: boolean | undefined;
  /** Through consensus, so never stale; otherwise the local state of whoever answers. */
  readonly quorum?: boolean | undefined;
}

/** What all writes take. */
export interface WriteOptions extends RequestOptions {
  /** Seconds; absent: no TTL, and an existing one is removed. 0 expires at once. */
  readonly ttl?: number | undefined;
  /**
   * The caller does not mind if the write happens twice, so a write of unknown outcome may be sent to
   * another endpoint. Without it such a write fails with `outcomeUnknown`.
   */
  readonly idempotent?: boolean | undefined;
}

/** Options of {@link Keys.set}. */
export interface SetOptions extends WriteOptions {
  /** True: only if the key is there. False: only if it is not. */
  readonly prevExist?: boolean | undefined;
  /** Only if this is the value; not empty. */
  readonly prevValue?: Value | undefined;
  /** Only if this is the modifiedIndex; at least 1. */
  readonly prevIndex?: number | undefined;
  /** Makes a directory; the value is ignored. */
  readonly dir?: boolean | undefined;
  /** Keeps the value and notifies no watcher; the value must be empty and `ttl` given. */
  readonly refresh?: boolean | undefined;
}

/** Options of {@link Keys.createInOrder}. There is no `idempotent`: a second one would be another key. */
export interface InOrderOptions extends Omit<WriteOptions, "idempotent"> {
  /** Makes a directory; the value is ignored. */
  readonly dir?: boolean | undefined;
}

/** The conditions of a compare; all given ones must hold. */
export type Compare =
  | { readonly prevValue: Value; readonly prevIndex?: number | undefined }
  | { readonly prevIndex: number; readonly prevValue?: Value | undefined };

/** Options of {@link Keys.delete}. */
export interface DeleteOptions extends Omit<WriteOptions, "ttl"> {
  /** Also an empty directory. */
  readonly dir?: boolean | undefined;
  /** Also a directory with everything in it. */
  readonly recursive?: boolean | undefined;
}

const FORM = "application/x-www-form-urlencoded";

/**
 * Reads and writes keys.
 *
 * A key is a path; a missing leading slash is added and doubled slashes are dropped. Every method throws
 * EtcdError for what the server refuses, ClientError for the rest, and `signal.reason` when aborted.
 */
export class Keys {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** Reads a file, or a directory with its children. */
  get(key: string, options: GetOptions = {}): Promise<KeyResult> {
    const { recursive, sorted, quorum } = options;
    return this.#send({
      method: "GET",
      path: keysUrl(key, { recursive, sorted, quorum }),
      isSafe: true,
      options,
    });
  }

  /** Writes a file, whatever was there; with conditions, only if they hold. */
  set(key: string, value: Value, options: SetOptions = {}): Promise<KeyResult> {
    const { prevExist, dir, refresh, ttl } = options;
    const query = { prevExist, dir, ...compareQuery(options) };
    const sent = refresh === true ? undefined : sentValue(value, dir);
    return this.#write("PUT", key, query, { value: sent, refresh, ttl }, options);
  }

  /** Writes a file that must not be there yet. */
  create(key: string, value: Value, options: WriteOptions = {}): Promise<KeyResult> {
    return this.set(key, value, { ...options, prevExist: false });
  }

  /** Writes a file, or makes a directory, below `directory`, named by the index of the operation: later ones sort behind. */
  createInOrder(directory: string, value: Value, options: InOrderOptions = {}): Promise<KeyResult> {
    const { dir, ttl } = options;
    return this.#write("POST", directory, { dir }, { value: sentValue(value, dir), ttl }, options);
  }

  /** Writes a file that must be there; it keeps its createdIndex. */
  update(key: string, value: Value, options: WriteOptions = {}): Promise<KeyResult> {
    return this.set(key, value, { ...options, prevExist: true });
  }

  /** Gives a file that must be there a new TTL (seconds); keeps the value and notifies no watcher. */
  refresh(key: string, ttl: number, options: Omit<WriteOptions, "ttl"> = {}): Promise<KeyResult> {
    return this.set(key, "", { ...options, ttl, refresh: true, prevExist: true });
  }

  /** Writes a file if the conditions hold. */
  compareAndSwap(key: string, value: Value, options: WriteOptions & Compare): Promise<KeyResult> {
    return this.set(key, value, options);
  }

  /** Removes a file, or with `dir` or `recursive` a directory. */
  delete(key: string, options: DeleteOptions = {}): Promise<KeyResult> {
    const { dir, recursive } = options;
    return this.#remove(key, { dir, recursive }, options);
  }

  /** Removes a file if the conditions hold. */
  compareAndDelete(key: string, options: Omit<WriteOptions, "ttl"> & Compare): Promise<KeyResult> {
    return this.#remove(key, compareQuery(options), options);
  }

  /** Makes a directory that must not be there yet. */
  mkdir(key: string, options: WriteOptions = {}): Promise<KeyResult> {
    return this.set(key, "", { ...options, dir: true, prevExist: false });
  }

  /** Makes a directory, also in place of a file; an existing directory is an error. */
  setDir(key: string, options: WriteOptions = {}): Promise<KeyResult> {
    return this.set(key, "", { ...options, dir: true });
  }

  /** Sets or removes the TTL of a directory that must be there. */
  updateDir(key: string, options: WriteOptions = {}): Promise<KeyResult> {
    return this.set(key, "", { ...options, dir: true, prevExist: true });
  }

  #write(
    method: "PUT" | "POST",
    key: string,
    query: Parameters,
    form: Parameters,
    options: WriteOptions,
  ): Promise<KeyResult> {
    return this.#send({
      method,
      path: keysUrl(key, query),
      body: { type: FORM, text: encodeParameters(form) },
      isSafe: method === "PUT" && options.idempotent === true,
      options,
    });
  }

  #remove(key: string, query: Parameters, options: WriteOptions): Promise<KeyResult> {
    return this.#send({
      method: "DELETE",
      path: keysUrl(key, query),
      isSafe: options.idempotent === true,
      options,
    });
  }

  async #send(request: ApiRequest): Promise<KeyResult> {
    return keyResult(await this.#requester.send(request));
  }
}

/** Path and query of a key. */
export function keysUrl(key: string, query: Parameters): string {
  const encoded = encodeParameters(query);
  return `/v2/keys${keyPath(key)}${encoded === "" ? "" : `?${encoded}`}`;
}

/** @throws {ClientError} E_BAD_RESPONSE */
export function keyResult(answer: Answer): KeyResult {
  return { ...decode(keyEventDecoder, answer), etcdIndex: etcdIndexOf(answer.header) };
}

/** The X-Etcd-Index header, or 0 without one. */
export function etcdIndexOf(header: Answer["header"]): number {
  const text = header("x-etcd-index");
  return text !== null && /^\d+$/.test(text) ? Number(text) : 0;
}

/** Undefined, so that nothing is sent, for a directory without a value. */
function sentValue(value: Value, dir: boolean | undefined): Value | undefined {
  return dir === true && value.length === 0 ? undefined : value;
}

function compareQuery({ prevValue, prevIndex }: Pick<SetOptions, "prevValue" | "prevIndex">): Parameters {
  // The server takes both for "no condition": a compare that silently is none must not get that far.
  if (prevIndex === 0) throw new ClientError("E_CONFIG", "prevIndex must be at least 1, got 0");
  if (prevValue?.length === 0) throw new ClientError("E_CONFIG", "prevValue must not be empty");
  return { prevValue, prevIndex };
}
