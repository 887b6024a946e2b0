// A cluster of one out of the log of a member whose cluster is lost, or of a backup: what is committed
// stays, and entries behind it remove everybody else (cluster.md §12).
//
//   1 ... commit | commit+1 ...          what raft had not agreed on is dropped
//   1 ... commit | remove b, remove c    instead of it; all of these count as committed

import { ConfChangeType, EntryType, type ConfState, type Entry, type HardState, type NodeId } from "@kv/raft";
import { compareNodeIds, decodeConfChange, encodeConfChange } from "@kv/raft/codec";
import { encodeMemberContext } from "./member.ts";

/** A log that makes its member the only one. */
export interface LoneLog {
  readonly hardState: HardState;
  /** The committed entries of before, and `appended`. */
  readonly entries: readonly Entry[];
  /** Not in the log yet; empty when the member is alone already. They replace what was not committed. */
  readonly appended: readonly Entry[];
}

/** Where a member of a restored backup is found until the operator says otherwise, as in etcd and in its order. */
const RESTORED_PEER_URLS = ["http://localhost:7001", "http://localhost:2380"];

/**
 * Computes the log of a cluster of one. `confState` is that of the snapshot, null without one;
 * `entries` are those behind it.
 */
export function leaveAlone(
  own: NodeId,
  log: { readonly hardState: HardState; readonly entries: readonly Entry[] },
  confState: ConfState | null,
): LoneLog {
  const { hardState } = log;
  const kept = log.entries.filter((entry) => entry.index <= hardState.commit);
  const voters = votersOf(confState, kept);
  // A log that never had a leader has no term yet, and no entry may be without one.
  const term = Math.max(1, hardState.term);
  const appended = changes(own, voters).map((data, i): Entry => ({
    type: EntryType.ConfChange,
    term,
    index: hardState.commit + 1 + i,
    data,
  }));
  return {
    hardState: { ...hardState, term, commit: hardState.commit + appended.length },
    entries: [...kept, ...appended],
    appended,
  };
}

/** Ascending. Changes that were refused when they were applied count as well: removing nobody harms nobody. */
function votersOf(confState: ConfState | null, entries: readonly Entry[]): readonly NodeId[] {
  const voters = new Set(confState?.voters);
  for (const entry of entries) {
    if (entry.type !== EntryType.ConfChange || entry.data === null) continue;
    const { type, nodeId } = decodeConfChange(entry.data);
    if (type === ConfChangeType.AddNode) voters.add(nodeId);
    else if (type === ConfChangeType.RemoveNode) voters.delete(nodeId);
  }
  return [...voters].toSorted(compareNodeIds);
}

function changes(own: NodeId, voters: readonly NodeId[]): Uint8Array[] {
  const removals = voters
    .filter((id) => id !== own)
    .map((id) => encodeConfChange({ id: "0", type: ConfChangeType.RemoveNode, nodeId: id, context: null }));
  if (voters.includes(own)) return removals;
  const member = { id: own, name: "", peerUrls: RESTORED_PEER_URLS, clientUrls: [] };
  const context = encodeMemberContext(member);
  return [...removals, encodeConfChange({ id: "0", type: ConfChangeType.AddNode, nodeId: own, context })];
}
