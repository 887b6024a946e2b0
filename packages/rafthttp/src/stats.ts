// What the transport counts for /v2/stats/self and /v2/stats/leader. Declared here, implemented by
// the server: the transport does not know who keeps the figures. Architecture §2.

import type { NodeId } from "@kv/raft";

/** The way of a message: one of the two streams, or a post. Called as etcd's metrics call them. */
export type SendingType = "msgappv2" | "message" | "pipeline";

/** Receives figures about appends as they happen. Hot path: must be cheap and must not throw. */
export interface PeerStats {
  /** A MsgApp of `sizeBytes` on the wire is on its way to `to`. */
  sentAppend(to: NodeId, sizeBytes: number): void;
  /** A MsgApp of `sizeBytes` on the wire came from `from`. */
  receivedAppend(from: NodeId, sizeBytes: number): void;
  /** A MsgApp to `id` was taken by the network within `latencyMs`. */
  followerSucceeded(id: NodeId, latencyMs: number, sendingType: SendingType): void;
  /** A MsgApp to `id` could not be sent. */
  followerFailed(id: NodeId, sendingType: SendingType): void;
}
