// The beginning of a cluster: every member starts with the same entries, one for each member, which
// count as committed. This is how clusters of etcd 2.x begin. Spec: raft.md §14.

import { encodeConfChange } from "./codec/index.ts";
import { applyChange } from "./membership.ts";
import type { Raft } from "./raft.ts";
import { ConfChangeType, EntryType, NONE, type ConfChange, type Entry, type NodeId } from "./types.ts";

/** A member of a new cluster; `context` belongs to the application. */
export interface BootstrapPeer {
  readonly id: NodeId;
  readonly context?: Uint8Array;
}

const FIRST_TERM = 1;

/** Gives an empty node the log of a new cluster of these members. */
export function bootstrap(raft: Raft, peers: readonly BootstrapPeer[]): void {
  const changes = peers.map((peer): ConfChange => ({
    id: NONE,
    type: ConfChangeType.AddNode,
    nodeId: peer.id,
    context: peer.context ?? null,
  }));
  const entries = changes.map((change, i): Entry => ({
    term: FIRST_TERM,
    index: i + 1,
    type: EntryType.ConfChange,
    data: encodeConfChange(change),
  }));
  raft.becomeFollower(FIRST_TERM, NONE);
  raft.log.append(entries);
  raft.log.commitTo(entries.length);
  // In force now, so that the node can campaign; applied again when the entries come through Ready.
  for (const change of changes) {
    const error = applyChange(raft, change);
    if (error !== null) throw error;
  }
}
