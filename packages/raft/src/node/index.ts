/**
 * The driver: it owns a state machine and runs it on a disk, a network and a state machine of yours.
 *
 * @module @kv/raft/node
 */

// The driver
export { RaftNode, runNode } from "./node.ts";
export type { NodeOptions, NodeStatus, SubmitOutcome } from "./node.ts";
export type { NodeEvents } from "./events.ts";
export type { Proposed } from "./proposal.ts";
export type { SnapshotRequest } from "./create-snapshot.ts";
export type { WaitOptions } from "./waiter.ts";

// What it stands on
export { systemClock, type Clock } from "./clock.ts";
export type { SaveBatch, StableStorage } from "./storage.ts";
export { MemoryStable } from "./memory-stable.ts";
export type { StateMachine } from "./state-machine.ts";
export type { Transport } from "./transport.ts";
