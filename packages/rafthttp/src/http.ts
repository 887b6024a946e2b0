// The HTTP seam: handlers are functions from request to response and never see a socket; engines
// turn bytes into requests and responses into bytes. Types only. Architecture §6.6.

/**
 * The HTTP seam: what a handler gets and gives, whichever engine carries it.
 *
 * @module @kv/rafthttp/http
 */

/** One request as a handler sees it. */
export interface HttpRequest {
  /** As received, case-sensitive: `GET`. */
  readonly method: string;
  /** Percent-decoded once, without the query. Bytes that are not UTF-8 are lone surrogates U+DC80 to U+DCFF. */
  readonly path: string;
  /** The path as it was sent, still encoded. */
  readonly rawPath: string;
  /** Raw, without the question mark; parsed by who needs it. */
  readonly query: string;
  /** The first value of a header; `name` is lower case. */
  header(name: string): string | undefined;
  /** All headers in the order and case in which they were sent. Built when asked, for those who pass requests on. */
  readonly headers: HttpHeaders;
  /**
   * The whole body: returned, not promised, when it is there or there is none.
   *
   * @throws {HttpBodyError} (at once or as a rejection) code `too_large` beyond `limit` bytes, `aborted` when
   *   the client went away.
   */
  body(limit: number): Uint8Array | Promise<Uint8Array>;
  /** The same as a text of one character per byte; may cost less than a text made of the bytes. Excludes `body`. */
  latin1(limit: number): string | Promise<string>;
  /** The body in pieces, for streams. Excludes both. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly remote: { readonly address: string; readonly commonName?: string };
  /** Aborted when the client is gone or the listener closes; created on first use. */
  readonly signal: AbortSignal;
}

/** Headers in the order in which they are sent. */
export type HttpHeaders = readonly (readonly [name: string, value: string])[];

/**
 * One response. A list is a body in pieces. A stream body is sent as it comes, its head at once; it is cut (not
 * ended) when the iterator throws.
 */
export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body:
    | string
    | Uint8Array
    | readonly (Uint8Array | string)[]
    | AsyncIterable<Uint8Array | string>
    | null;
}

/** A handler: from request to response, without a socket in sight. An answer that is known at once is returned, not promised. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** Why a body could not be read. */
export class HttpBodyError extends Error {
  override readonly name = "HttpBodyError";
  readonly code: "too_large" | "aborted";

  constructor(code: "too_large" | "aborted", message: string) {
    super(message);
    this.code = code;
  }
}
