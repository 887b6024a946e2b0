/**
 * The state machine, and the records that go in and come out.
 *
 * @module @kv/raft
 */

// Records
export * from "./types.ts";
export { isKnownToEtcd2, Message, MessageType } from "./message.ts";
export { RaftError, type RaftErrorCode } from "./errors.ts";

// The node
export { RawNode, type ApplyConfChangeResult, type ProposeResult, type StepResult } from "./raw-node.ts";
export type { BootstrapPeer } from "./bootstrap.ts";
export type { Compat, RaftOptions } from "./options.ts";
export { APPEND_WORKER, APPLY_WORKER, type AppendRequest, type ApplyRequest, type Ready } from "./ready.ts";
export type { ReadState } from "./read-only.ts";
export type { ProgressStatus, Status } from "./status.ts";
export { ProgressState } from "./progress.ts";
export type { RaftTrace, TraceEvent } from "./trace.ts";

// Storage
export {
  COMPACTED,
  TEMPORARILY_UNAVAILABLE,
  UNAVAILABLE,
  type Compacted,
  type InitialState,
  type Storage,
  type TemporarilyUnavailable,
  type Unavailable,
} from "./storage.ts";
export { MemoryStorage } from "./memory-storage.ts";

// Codec
export { compareNodeIds, parseNodeId } from "./codec/index.ts";
