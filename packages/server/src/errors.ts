// Errors of the server that are neither a client's (EtcdError) nor a membership change's (MemberError).

/** Why a member cannot start; public API. */
export type StartErrorCode =
  | "E_CLUSTER_CONFIG"
  | "E_DATA_DIR"
  | "E_JOIN"
  | "E_BOOTSTRAPPED"
  | "E_LOG"
  | "E_V3_DATA"
  | "E_SNAPSHOT"
  | "E_VERSION";

/** A member that cannot start. The message is the text etcd prints for the same situation. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** What the cluster keeps about itself under /0 cannot be read: fatal, the replicas would diverge. */
export class ClusterDataError extends Error {
  override readonly name = "ClusterDataError";
}
