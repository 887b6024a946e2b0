// One error class with a stable code. Outcomes that are normal (a dropped proposal, a compacted
// range) are values, not errors. Spec: raft.md §17.1.

/** What went wrong; public API. */
export type RaftErrorCode =
  | "E_LOCAL_MSG"
  | "E_PEER_NOT_FOUND"
  | "E_FORGED"
  | "E_PROPOSAL_DROPPED"
  | "E_STOPPED"
  | "E_U64_RANGE"
  | "E_CODEC"
  | "E_CONFIG"
  | "E_SNAP_OUT_OF_DATE"
  | "E_COMPACTED"
  | "E_UNAVAILABLE"
  | "E_CONF_CHANGE"
  | "E_BUSY"
  | "E_LOST"
  | "E_UNKNOWN"
  | "E_FATAL";

/** An error of this package. Switch on `code`, never on the message. */
export class RaftError extends Error {
  override readonly name: string = "RaftError";
  readonly code: RaftErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: RaftErrorCode,
    message: string,
    options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
