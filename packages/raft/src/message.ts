// One class for all messages, with every field always present, so that the engine sees one shape.
// Spec: raft.md §2.3, §2.4.

import { EMPTY_SNAPSHOT, NONE, type Entry, type NodeId, type Snapshot } from "./types.ts";

/** The kinds of message, with etcd's numbers. etcd 2.3.8 knows 0 to 12. */
export const MessageType = {
  Hup: 0,
  Beat: 1,
  Prop: 2,
  App: 3,
  AppResp: 4,
  Vote: 5,
  VoteResp: 6,
  Snap: 7,
  Heartbeat: 8,
  HeartbeatResp: 9,
  Unreachable: 10,
  SnapStatus: 11,
  CheckQuorum: 12,
  TransferLeader: 13,
  TimeoutNow: 14,
  ReadIndex: 15,
  ReadIndexResp: 16,
  PreVote: 17,
  PreVoteResp: 18,
  StorageAppend: 19,
  StorageAppendResp: 20,
  StorageApply: 21,
  StorageApplyResp: 22,
  ForgetLeader: 23,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

/**
 * A raft message. Fields that a type does not use hold zero values.
 *
 * Hot path. Built by the core and by the codec; whoever holds one treats it as immutable once it
 * has been handed out in a Ready.
 */
export class Message {
  type: MessageType;
  to: NodeId;
  from: NodeId;
  term: number;
  logTerm: number;
  index: number;
  entries: readonly Entry[];
  commit: number;
  snapshot: Snapshot;
  reject: boolean;
  rejectHint: number;
  /** Modern peers only; null when there is none. */
  context: Uint8Array | null;
  /** Only on local storage messages. */
  vote: NodeId;
  /** Only on local storage messages: what to deliver once the work is durable. */
  responses: readonly Message[];

  constructor(type: MessageType, to: NodeId = NONE, from: NodeId = NONE, term: number = 0) {
    this.type = type;
    this.to = to;
    this.from = from;
    this.term = term;
    this.logTerm = 0;
    this.index = 0;
    this.entries = NO_ENTRIES;
    this.commit = 0;
    this.snapshot = EMPTY_SNAPSHOT;
    this.reject = false;
    this.rejectHint = 0;
    this.context = null;
    this.vote = NONE;
    this.responses = NO_MESSAGES;
  }
}

const NO_MESSAGES: readonly Message[] = Object.freeze([]);

/** By type: what only the node itself or its storage workers produce. */
const IS_LOCAL: readonly boolean[] = flags([
  MessageType.Hup,
  MessageType.Beat,
  MessageType.Unreachable,
  MessageType.SnapStatus,
  MessageType.CheckQuorum,
  MessageType.StorageAppend,
  MessageType.StorageAppendResp,
  MessageType.StorageApply,
  MessageType.StorageApplyResp,
]);

/** By type: what makes sense only from a member. */
const IS_RESPONSE: readonly boolean[] = flags([
  MessageType.AppResp,
  MessageType.VoteResp,
  MessageType.HeartbeatResp,
  MessageType.ReadIndexResp,
  MessageType.PreVoteResp,
]);

/** By type: what may come without a term, because it is local or on its way to whoever leads. */
const IS_TERMLESS: readonly boolean[] = flags([
  MessageType.Hup,
  MessageType.Beat,
  MessageType.Prop,
  MessageType.Unreachable,
  MessageType.SnapStatus,
  MessageType.CheckQuorum,
  MessageType.TransferLeader,
  MessageType.ReadIndex,
  MessageType.StorageApplyResp,
  MessageType.ForgetLeader,
]);

/** Whether only the node itself or its storage workers produce messages of this type. */
export function isLocal(type: MessageType): boolean {
  return IS_LOCAL[type] === true;
}

/** Whether messages of this type make sense only from a member. */
export function isResponse(type: MessageType): boolean {
  return IS_RESPONSE[type] === true;
}

/** Whether a message of this type may have no term; any other one without a term is as old as can be. */
export function isTermless(type: MessageType): boolean {
  return IS_TERMLESS[type] === true;
}

/**
 * Whether etcd 2.x members have messages of this type. Others they take for a leader's if the term is higher,
 * and must never get (raft.md §15.1).
 */
export function isKnownToEtcd2(type: MessageType): boolean {
  return type <= MessageType.CheckQuorum;
}

/** One flag per type; the types are numbered from 0 in the order of `MessageType`. */
function flags(types: readonly MessageType[]): readonly boolean[] {
  return Object.values(MessageType).map((type) => types.includes(type));
}

/** The type as a plain number: a peer may send kinds that this version does not know. */
export function kindOf(message: Message): number {
  return message.type;
}
