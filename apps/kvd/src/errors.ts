// What can stop kvd before or while it serves. main.ts turns a code into a log line and an exit status.

/**
 * `E_USAGE`: the command line cannot be read (exit 2). `E_VERIFY`: the flags contradict each other (exit 1).
 * `E_ENVIRONMENT`: a bad `ETCD_` variable. `E_UNSUPPORTED`: a flag asks for something kvd cannot do.
 * `E_CLUSTER`: the initial cluster cannot be read. `E_LISTEN`: an address cannot be listened on.
 * `E_TLS`: certificates cannot be used, or are missing where a URL is https.
 * `E_DATA_DIR`: the data directory cannot be used. `E_DISCOVERY…`: the discovery service does not name a
 * cluster: it is full, this member or another one of its name is registered already, or anything else.
 * `E_EXPLAINED`: why is in the log already. All of these exit 1.
 */
export type KvdErrorCode =
  | "E_USAGE"
  | "E_VERIFY"
  | "E_ENVIRONMENT"
  | "E_UNSUPPORTED"
  | "E_CLUSTER"
  | "E_LISTEN"
  | "E_TLS"
  | "E_DATA_DIR"
  | "E_DISCOVERY"
  | "E_DISCOVERY_FULL"
  | "E_DISCOVERY_DUPLICATE_ID"
  | "E_DISCOVERY_DUPLICATE_NAME"
  | "E_EXPLAINED";

/** A reason not to start. The message is the text etcd 2.3.8 prints (server-flags.md §2, §5). */
export class KvdError extends Error {
  override readonly name = "KvdError";
  readonly code: KvdErrorCode;
  /** A second line for the operator. */
  readonly hint: string | null;

  constructor(code: KvdErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
  }
}
