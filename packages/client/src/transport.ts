// How bytes get to an endpoint. The client needs no more than this of an HTTP library, so a program with
// special needs (a cheap start, a proxy, a test) can bring its own. The default is undici-transport.ts.

import { ClientError } from "./errors.ts";

/** One HTTP request, complete. */
export interface TransportRequest {
  readonly method: string;
  /** Scheme, host and port: `http://127.0.0.1:2379`. */
  readonly endpoint: string;
  /** Path and query, encoded. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as UTF-8; null for none. */
  readonly body: string | null;
  /** Aborting ends the request, also while the body is being read. */
  readonly signal: AbortSignal;
}

/** The head of an answer, and its body as it comes. */
export interface TransportResponse {
  /** HTTP status. */
  readonly status: number;
  /** The value of a header, name in lower case; null when it is missing. */
  readonly header: (name: string) => string | null;
  /** Read at most once. Leaving the loop early ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Sends requests. It follows no redirect and retries nothing. */
export interface Transport {
  /** @throws whatever the HTTP library throws; see {@link connectionError}. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Ends all connections; may be called twice. */
  close(): Promise<void>;
}

/** Certificates for https endpoints, as PEM text or bytes. */
export interface TlsOptions {
  /** Who may sign a server's certificate; absent: the authorities that Node trusts. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate, for servers that ask for one; goes with `key`. */
  readonly cert?: string | Uint8Array | undefined;
  /** The private key of `cert`, without a passphrase. */
  readonly key?: string | Uint8Array | undefined;
}

// Found by our side of the handshake, before the first byte of the request.
const CERTIFICATE_REFUSED = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/**
 * What an error of the HTTP library means.
 *
 * Only a failure to look up, connect or trust the endpoint proves that nothing was sent; after everything
 * else the outcome is unknown.
 */
export function connectionError(cause: unknown): ClientError {
  const { code, syscall, message } = systemError(cause);
  if (syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") {
    return new ClientError("E_UNREACHABLE", message, { cause });
  }
  if (CERTIFICATE_REFUSED.has(code)) return new ClientError("E_TLS", message, { cause });
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return new ClientError("E_TLS", message, { cause, outcomeUnknown: true });
  }
  return new ClientError("E_CONNECTION", message, { cause, outcomeUnknown: true });
}

function systemError(cause: unknown): { code: string; syscall: string; message: string } {
  // A host with several addresses: one error per address, all of the same stage.
  if (cause instanceof AggregateError && cause.errors.length > 0) return systemError(cause.errors[0]);
  if (!(cause instanceof Error)) return { code: "", syscall: "", message: String(cause) };
  // OpenSSL's message names its source files; its reason says what happened.
  const reason = textField(cause, "reason");
  const message = reason === "" ? cause.message : reason;
  return { code: textField(cause, "code"), syscall: textField(cause, "syscall"), message };
}

function textField(error: Error, name: "code" | "syscall" | "reason"): string {
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : "";
}
