// The errors a client sees (client-api.md §6), and the one a damaged snapshot gives.

/** Error codes of the v2 API; the values print as on the wire. */
export const ErrorCode = {
  KeyNotFound: 100,
  CompareFailed: 101,
  NotAFile: 102,
  NoMorePeer: 103,
  NotADirectory: 104,
  KeyExists: 105,
  KeyIsPreserved: 106,
  RootReadOnly: 107,
  DirectoryNotEmpty: 108,
  ExistingPeerAddress: 109,
  Unauthorized: 110,
  ValueRequired: 200,
  PrevValueRequired: 201,
  TtlNotANumber: 202,
  IndexNotANumber: 203,
  ValueOrTtlRequired: 204,
  TimeoutNotANumber: 205,
  NameRequired: 206,
  IndexOrValueRequired: 207,
  IndexValueMutex: 208,
  InvalidField: 209,
  InvalidForm: 210,
  RefreshValue: 211,
  RefreshTtlRequired: 212,
  RaftInternal: 300,
  LeaderElect: 301,
  WatcherCleared: 400,
  EventIndexCleared: 401,
  StandbyInternal: 402,
  InvalidActiveSize: 403,
  InvalidRemoveDelay: 404,
  ClientInternal: 500,
} as const;

/** One of the codes of `ErrorCode`. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

const MESSAGES: Readonly<Record<ErrorCode, string>> = {
  100: "Key not found",
  101: "Compare failed",
  102: "Not a file",
  103: "Reached the max number of peers in the cluster",
  104: "Not a directory",
  105: "Key already exists",
  106: "The prefix of given key is a keyword in etcd",
  107: "Root is read only",
  108: "Directory not empty",
  109: "Peer address has existed",
  110: "The request requires user authentication",
  200: "Value is Required in POST form",
  201: "PrevValue is Required in POST form",
  202: "The given TTL in POST form is not a number",
  203: "The given index in POST form is not a number",
  204: "Value or TTL is required in POST form",
  205: "The given timeout in POST form is not a number",
  206: "Name is required in POST form",
  207: "Index or value is required",
  208: "Index and value cannot both be specified",
  209: "Invalid field",
  210: "Invalid POST form",
  211: "Value provided on refresh",
  212: "A TTL must be provided on refresh",
  300: "Raft Internal Error",
  301: "During Leader Election",
  400: "watcher is cleared due to etcd recovery",
  401: "The event in requested index is outdated and cleared",
  402: "Standby Internal Error",
  403: "Invalid active size",
  404: "Standby remove delay",
  500: "Client Internal Error",
};

/** The text etcd prints as `message` for a code. */
export function messageOf(code: ErrorCode): string {
  return MESSAGES[code];
}

const DEFAULT_STATUS = 400;
const STATUSES: ReadonlyMap<ErrorCode, number> = new Map([
  [ErrorCode.KeyNotFound, 404],
  [ErrorCode.CompareFailed, 412],
  [ErrorCode.NotAFile, 403],
  [ErrorCode.KeyExists, 412],
  [ErrorCode.DirectoryNotEmpty, 403],
  [ErrorCode.Unauthorized, 401],
  [ErrorCode.RaftInternal, 500],
  [ErrorCode.LeaderElect, 500],
]);

/** The HTTP status etcd answers a code with. */
export function statusOf(code: ErrorCode): number {
  return STATUSES.get(code) ?? DEFAULT_STATUS;
}

/** Engines other than V8 may lack the limit, and then have it for nothing. */
const engine: { stackTraceLimit?: number | undefined } = Error;

/**
 * A refused request, in the shape clients see: code, message, cause and the store index at the time
 * (0 if the store was not consulted). `etcdCause` names full store paths, namespace included.
 */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  readonly errorCode: ErrorCode;
  /** What exactly was refused; "" if there is nothing to add. */
  readonly etcdCause: string;
  readonly index: number;

  constructor(errorCode: ErrorCode, etcdCause: string, index: number) {
    // A refusal is an outcome of every day, and collecting its stack costs more than the request itself.
    const { stackTraceLimit } = engine;
    engine.stackTraceLimit = 0;
    super(MESSAGES[errorCode]);
    engine.stackTraceLimit = stackTraceLimit;
    this.errorCode = errorCode;
    this.etcdCause = etcdCause;
    this.index = index;
  }
}

/** `E_SYNTAX`: not JSON. `E_SHAPE`: JSON, but not a store. `E_DEPTH`: nested too deeply. */
export type StoreDataErrorCode = "E_SYNTAX" | "E_SHAPE" | "E_DEPTH";

/** A snapshot that cannot be read. The store is as it was before. */
export class StoreDataError extends Error {
  override readonly name = "StoreDataError";
  readonly code: StoreDataErrorCode;
  /** Byte offset in the snapshot. */
  readonly offset: number;

  constructor(code: StoreDataErrorCode, message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.code = code;
    this.offset = offset;
  }
}
