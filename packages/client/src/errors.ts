// What can go wrong, in two classes: EtcdError is an answer of the server, ClientError is the lack of
// a usable one. The error table is the wire contract of client-api.md §6, kept here on purpose: this
// package knows no server code, and a test of kvd compares both tables.

/** Why there is no usable answer; public API. */
export type ClientErrorCode =
  /** An option or argument that no server could accept. */
  | "E_CONFIG"
  /** No connection to any endpoint: refused, no route, name not found. */
  | "E_UNREACHABLE"
  /** The TLS handshake failed. */
  | "E_TLS"
  /** No answer within `timeoutMs`. */
  | "E_TIMEOUT"
  /** The connection broke after the request may have been sent. */
  | "E_CONNECTION"
  /** Something answered, but not as the v2 API does. */
  | "E_BAD_RESPONSE"
  /** The answer is longer than `responseLimitBytes`. */
  | "E_TOO_LARGE"
  /** The cluster advertises no client URL. */
  | "E_NO_ENDPOINTS"
  /** The client was closed. */
  | "E_CLOSED"
  /** What a recipe held is held no more: its TTL ran out, or somebody removed its key. */
  | "E_LOST"
  /** A registration's key holds the value of somebody else. */
  | "E_TAKEN"
  /** A counter's key holds something else than a counter. */
  | "E_NOT_A_COUNTER"
  /** Whether the write was carried out stood in a history that the server has cleared. */
  | "E_HISTORY_CLEARED";

/** One endpoint that was tried in vain. */
export interface Attempt {
  /** Scheme, host and port. */
  readonly endpoint: string;
  /** `E_STATUS`: it answered with a server error. */
  readonly code: ClientErrorCode | "E_STATUS";
  /** For people; it may name the endpoint. */
  readonly message: string;
  /** HTTP status, or null when nothing was answered. */
  readonly status: number | null;
}

/** No usable answer. Switch on `code`, never on the message. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** What to switch on. */
  readonly code: ClientErrorCode;
  /** True when the server may have carried the request out all the same. Such a write is not sent again. */
  readonly outcomeUnknown: boolean;
  /** The endpoints tried, in order; empty for errors found before sending. */
  readonly attempts: readonly Attempt[];

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { outcomeUnknown?: boolean; attempts?: readonly Attempt[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.outcomeUnknown = options.outcomeUnknown ?? false;
    this.attempts = options.attempts ?? [];
  }
}

/** The fields of an error answer; see those of {@link EtcdError}. */
export interface EtcdErrorFields {
  readonly errorCode: number | null;
  readonly message: string;
  readonly etcdCause: string;
  readonly index: number | null;
  readonly status: number;
  readonly endpoint: string;
  readonly attempts: readonly Attempt[];
}

/** An error answered by the server. `message` is the server's own text. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  /** A code of {@link ERROR_TABLE}; null for families without codes (members, stats). */
  readonly errorCode: number | null;
  /** What the error is about, usually a key; empty when the server says nothing. */
  readonly etcdCause: string;
  /** The store index at the time; null for families without codes. */
  readonly index: number | null;
  /** HTTP status. */
  readonly status: number;
  /** Who answered. */
  readonly endpoint: string;
  /** The endpoints tried in vain, the one that gave this answer included if its status is 5xx. */
  readonly attempts: readonly Attempt[];

  constructor(fields: EtcdErrorFields) {
    super(fields.message);
    this.errorCode = fields.errorCode;
    this.etcdCause = fields.etcdCause;
    this.index = fields.index;
    this.status = fields.status;
    this.endpoint = fields.endpoint;
    this.attempts = fields.attempts;
  }
}

/** One row of the error table. */
export interface ErrorTableRow {
  /** `errorCode` of the answer. */
  readonly errorCode: number;
  /** HTTP status that the code comes with. */
  readonly status: number;
  /** The server's words for the code, the same each time; what it is about is in `etcdCause`. */
  readonly message: string;
}

/** The codes a program usually acts on. */
export const EtcdErrorCode = {
  KeyNotFound: 100,
  CompareFailed: 101,
  NotFile: 102,
  NotDirectory: 104,
  KeyExists: 105,
  RootReadOnly: 107,
  DirectoryNotEmpty: 108,
  Unauthorized: 110,
  RaftInternal: 300,
  EventIndexCleared: 401,
} as const;

/** Every code of the v2 API with its HTTP status and message, by code. Client-api.md §6. */
export const ERROR_TABLE: readonly ErrorTableRow[] = [
  { errorCode: 100, status: 404, message: "Key not found" },
  { errorCode: 101, status: 412, message: "Compare failed" },
  { errorCode: 102, status: 403, message: "Not a file" },
  { errorCode: 103, status: 400, message: "Reached the max number of peers in the cluster" },
  { errorCode: 104, status: 400, message: "Not a directory" },
  { errorCode: 105, status: 412, message: "Key already exists" },
  { errorCode: 106, status: 400, message: "The prefix of given key is a keyword in etcd" },
  { errorCode: 107, status: 400, message: "Root is read only" },
  { errorCode: 108, status: 403, message: "Directory not empty" },
  { errorCode: 109, status: 400, message: "Peer address has existed" },
  { errorCode: 110, status: 401, message: "The request requires user authentication" },
  { errorCode: 200, status: 400, message: "Value is Required in POST form" },
  { errorCode: 201, status: 400, message: "PrevValue is Required in POST form" },
  { errorCode: 202, status: 400, message: "The given TTL in POST form is not a number" },
  { errorCode: 203, status: 400, message: "The given index in POST form is not a number" },
  { errorCode: 204, status: 400, message: "Value or TTL is required in POST form" },
  { errorCode: 205, status: 400, message: "The given timeout in POST form is not a number" },
  { errorCode: 206, status: 400, message: "Name is required in POST form" },
  { errorCode: 207, status: 400, message: "Index or value is required" },
  { errorCode: 208, status: 400, message: "Index and value cannot both be specified" },
  { errorCode: 209, status: 400, message: "Invalid field" },
  { errorCode: 210, status: 400, message: "Invalid POST form" },
  { errorCode: 211, status: 400, message: "Value provided on refresh" },
  { errorCode: 212, status: 400, message: "A TTL must be provided on refresh" },
  { errorCode: 300, status: 500, message: "Raft Internal Error" },
  { errorCode: 301, status: 500, message: "During Leader Election" },
  { errorCode: 400, status: 400, message: "watcher is cleared due to etcd recovery" },
  { errorCode: 401, status: 400, message: "The event in requested index is outdated and cleared" },
  { errorCode: 402, status: 400, message: "Standby Internal Error" },
  { errorCode: 403, status: 400, message: "Invalid active size" },
  { errorCode: 404, status: 400, message: "Standby remove delay" },
  { errorCode: 500, status: 400, message: "Client Internal Error" },
];
