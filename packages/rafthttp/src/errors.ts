// One error class with a stable code. Network failures of single messages are not thrown at all:
// they are reported to raft and counted.

/**
 * What went wrong; public API.
 *
 * - `E_FRAME`: bytes of a stream or a body that are not what the protocol says
 * - `E_TOO_LARGE`: a length above the limit of this package
 * - `E_STATUS`: an answer with an unexpected HTTP status
 * - `E_TIMEOUT`: the other side was silent for too long
 * - `E_URL`: not a URL of a member
 * - `E_VERSION`: not a version number
 * - `E_CLOSED`: the transport was closed
 */
export type TransportErrorCode =
  | "E_FRAME"
  | "E_TOO_LARGE"
  | "E_STATUS"
  | "E_TIMEOUT"
  | "E_URL"
  | "E_VERSION"
  | "E_CLOSED";

/** An error of this package. Switch on `code`, never on the message. */
export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
  }
}
