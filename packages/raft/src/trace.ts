// The trace hook: one call per transition, for logs and for tools that check them against a model.
// Without a hook nothing is built. Spec: raft.md §17.3.

import type { Message } from "./message.ts";
import type { ConfState, NodeId, Role } from "./types.ts";

/** What happened inside a node. */
export type TraceEvent =
  | { readonly t: "role"; readonly role: Role; readonly term: number; readonly lead: NodeId }
  | { readonly t: "term"; readonly term: number }
  | { readonly t: "vote"; readonly term: number; readonly vote: NodeId }
  | { readonly t: "commit"; readonly commit: number }
  | { readonly t: "append"; readonly from: number; readonly through: number }
  | { readonly t: "truncate"; readonly from: number }
  | { readonly t: "send" | "recv"; readonly message: Message }
  | { readonly t: "conf"; readonly confState: ConfState }
  | { readonly t: "snapshot"; readonly index: number; readonly term: number }
  | { readonly t: "apply"; readonly applied: number }
  | {
      readonly t: "readIndex";
      readonly index: number;
      readonly from: NodeId;
      readonly by: "quorum" | "leader";
    }
  /** A message that cannot occur as long as there is one leader per term. */
  | { readonly t: "violation"; readonly message: Message };

/** Receives the transitions of one node, in order. It must not call the node. */
export type RaftTrace = (event: TraceEvent) => void;
