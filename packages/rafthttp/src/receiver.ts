// Where received messages go. Everything that comes in over HTTP passes `deliver`, whatever its channel.

import { MessageType, NONE, type Message, type NodeId } from "@kv/raft";
import type { PeerDialect } from "./announcement.ts";
import type { PeerStats } from "./stats.ts";

/** What the transport needs from above; implemented by the server. */
export interface RaftReceiver {
  /** Takes a message. Does not wait and does not throw for a bad one: it is dropped and counted. */
  process(message: Message): void;
  /** Whether `id` was a member once and may never be one again. */
  isRemoved(id: NodeId): boolean;
  /** A message to `id` was lost. May be called from inside `send`. */
  reportUnreachable(id: NodeId): void;
  /** A MsgSnap to `id` was taken by it, or was lost. May be called from inside `send`. */
  reportSnapshot(id: NodeId, delivered: boolean): void;
  /**
   * What peer `id` reads is known now, or has become something else: another program answers in its place.
   * Until the first call nothing is known of a peer, also of one that was removed and added again.
   */
  peerDialect(id: NodeId, dialect: PeerDialect): void;
  /** Another member says that this one was removed from the cluster; it must stop. May be called more than once. */
  removedByCluster(): void;
}

/** Why a message was not handed to raft. */
export type Refusal = "removed" | "misaddressed" | "internal";

/**
 * Hands a received message to raft, unless its sender was removed, it is for somebody else, or it is
 * of a type that a node only sends to itself. Hot path.
 *
 * @returns null, or why the message was dropped.
 */
export function deliver(
  to: { readonly id: NodeId; readonly receiver: RaftReceiver; readonly stats: PeerStats },
  message: Message,
  sizeBytes: number,
): Refusal | null {
  if (to.receiver.isRemoved(message.from)) return "removed";
  if (message.to !== to.id && message.to !== NONE) return "misaddressed";
  if (!TRAVELLING.has(message.type)) return "internal";
  if (message.type === MessageType.App) to.stats.receivedAppend(message.from, sizeBytes);
  to.receiver.process(message);
  return null;
}

// Raft tells itself about ticks, lost peers and its disk with messages, too; none of these may come from outside.
const TRAVELLING: ReadonlySet<MessageType> = new Set([
  MessageType.Prop,
  MessageType.App,
  MessageType.AppResp,
  MessageType.Vote,
  MessageType.VoteResp,
  MessageType.Snap,
  MessageType.Heartbeat,
  MessageType.HeartbeatResp,
  MessageType.TransferLeader,
  MessageType.TimeoutNow,
  MessageType.ReadIndex,
  MessageType.ReadIndexResp,
  MessageType.PreVote,
  MessageType.PreVoteResp,
]);
