// The records of raft: what is in the log, what must be durable, who belongs to the cluster.
// Field names are those of the raft paper and of etcd's wire form. Spec: raft.md §2.

/** A member id: lower-case hex of a 64-bit number, without leading zeros. Never a JavaScript number: ids use all 64 bits. */
export type NodeId = string & { readonly __nodeId: unique symbol };

/** The id that means "nobody". */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is where the brand comes from
export const NONE: NodeId = "0" as NodeId;

/** What an entry carries. `ConfChangeV2` is unknown to etcd 2.x. */
export const EntryType = { Normal: 0, ConfChange: 1, ConfChangeV2: 2 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

/**
 * One log entry. `data` null or of length 0 in a normal entry is a no-op: it moves the applied
 * index and does nothing else.
 */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  readonly data: Uint8Array | null;
}

/** What must survive a crash beside the entries. The empty one is `EMPTY_HARD_STATE`. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
}

/** The hard state of a node that has never voted nor heard of a term. */
export const EMPTY_HARD_STATE: HardState = Object.freeze({ term: 0, vote: NONE, commit: 0 });

/** The role of a node in its term. `PreCandidate` exists only with PreVote. */
export const Role = { Follower: 0, Candidate: 1, Leader: 2, PreCandidate: 3 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** What a node believes at the moment; need not survive a crash. */
export interface SoftState {
  readonly role: Role;
  readonly lead: NodeId;
}

/** A complete configuration. The lists are sets: compare them ignoring order; emitted ascending by 64-bit value. */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

/** The configuration without any member. */
export const EMPTY_CONF_STATE: ConfState = Object.freeze({
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
});

/** The place of a snapshot in the log and the configuration as of that place. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** A state machine as of `meta.index`. It is empty (there is none) when `meta.index` is 0. */
export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array | null;
}

/** The snapshot that stands for "there is none". */
export const EMPTY_SNAPSHOT: Snapshot = Object.freeze({
  meta: Object.freeze({ index: 0, term: 0, confState: EMPTY_CONF_STATE }),
  data: null,
});

/** What a configuration change does. `AddLearner` is unknown to etcd 2.x. */
export const ConfChangeType = { AddNode: 0, RemoveNode: 1, UpdateNode: 2, AddLearner: 3 } as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

/**
 * One change of membership, the content of an entry of type `ConfChange`.
 *
 * `id` is the proposer's request id (a 64-bit number in hex, like a `NodeId`); `context` belongs to
 * the application (etcd puts the member's JSON there). A `nodeId` of "0" changes nothing.
 */
export interface ConfChange {
  readonly id: string;
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
  readonly context: Uint8Array | null;
}

/** How a joint configuration is left: by itself (`Auto`, `JointImplicit`) or by an explicit change. */
export const ConfChangeTransition = { Auto: 0, JointImplicit: 1, JointExplicit: 2 } as const;
export type ConfChangeTransition = (typeof ConfChangeTransition)[keyof typeof ConfChangeTransition];

/** Several changes at once, the content of an entry of type `ConfChangeV2`. */
export interface ConfChangeV2 {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly { readonly type: ConfChangeType; readonly nodeId: NodeId }[];
  readonly context: Uint8Array | null;
}
