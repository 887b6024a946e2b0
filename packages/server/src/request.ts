// The record that every write becomes: it is proposed, logged, replicated and applied.
// Its bytes are etcd's `Request` (disk-format.md §2, §6.2). The codec is in request-codec.ts.

/** A 64-bit unsigned number: a JavaScript number when it is safe, else a bigint. Compare with `===` and `<`, print with a template. */
export type Uint64 = number | bigint;

/** What a request asks for. `QGET` is a read through the log, `SYNC` carries the leader's clock. */
export const REQUEST_METHODS = ["GET", "QGET", "HEAD", "PUT", "POST", "DELETE", "SYNC"] as const;
/** One of `REQUEST_METHODS`. */
export type RequestMethod = (typeof REQUEST_METHODS)[number];

/**
 * One request to the store. Text fields hold bytes that are not UTF-8 as lone surrogates
 * (`bytesToText` of @kv/store), so that every byte string survives.
 */
export interface Request {
  /** The two halves of the 64-bit id, unsigned; set by the server when it proposes, 0 before. */
  idHigh: number;
  idLow: number;
  method: RequestMethod;
  /** Store path with its namespace, for example `/1/foo`. */
  path: string;
  val: string;
  dir: boolean;
  prevValue: string;
  prevIndex: Uint64;
  /** null: not given. */
  prevExist: boolean | null;
  /** Absolute expiry in Unix nanoseconds; 0n: none. */
  expiration: bigint;
  wait: boolean;
  since: Uint64;
  recursive: boolean;
  sorted: boolean;
  quorum: boolean;
  /** The leader's clock in Unix nanoseconds, for SYNC; else 0n. */
  time: bigint;
  stream: boolean;
  /** null: not given (the field is then absent from the bytes). */
  refresh: boolean | null;
}

/** A request with all fields at their zero values. */
export function newRequest(method: RequestMethod, path: string): Request {
  return {
    idHigh: 0,
    idLow: 0,
    method,
    path,
    val: "",
    dir: false,
    prevValue: "",
    prevIndex: 0,
    prevExist: null,
    expiration: 0n,
    wait: false,
    since: 0,
    recursive: false,
    sorted: false,
    quorum: false,
    time: 0n,
    stream: false,
    refresh: null,
  };
}
