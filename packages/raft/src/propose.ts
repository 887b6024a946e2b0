// Proposals at the leader: checked, appended as one piece and sent with one broadcast. A change of
// membership that may not happen now becomes a no-op, so that the rest of its batch goes through.
// Spec: raft.md §7.1, §10.3. Hot path.

import { decodeConfChange, decodeConfChangeV2 } from "./codec/index.ts";
import { isJoint, stepsOf } from "./conf-change.ts";
import { payloadSizeBytes } from "./entry-size.ts";
import type { Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replication.ts";
import { ConfChangeType, EntryType, NONE, type ConfChange, type ConfChangeV2, type Entry } from "./types.ts";

/** Appends the entries of a Prop message; false if they are dropped. */
export function proposeMessage(raft: Raft, message: Message): boolean {
  const first = raft.log.lastIndex + 1;
  const entries: Entry[] = [];
  for (let i = 0; i < message.entries.length; i++) {
    const { type, data } = message.entries[i]!;
    entries.push({ term: raft.term, index: first + i, type, data });
  }
  return proposeEntries(raft, entries);
}

/**
 * Appends entries that already carry the own term and the next indexes; false if they are dropped, and
 * then nothing has changed.
 *
 * `entries` is kept, and refused changes of membership in it are replaced.
 */
export function proposeEntries(raft: Raft, entries: Entry[]): boolean {
  if (entries.length === 0) return false;
  if (raft.tracker.get(raft.id) === undefined || raft.leadTransferee !== NONE) return false;

  let pendingConfIndex = raft.pendingConfIndex;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.type === EntryType.Normal) continue;
    if (raft.options.disableConfChangeValidation || isChangeAcceptable(raft, entry, pendingConfIndex)) {
      pendingConfIndex = entry.index;
    } else {
      entries[i] = { term: entry.term, index: entry.index, type: EntryType.Normal, data: null };
    }
  }
  if (!fitsUncommitted(raft, payloadSizeBytes(entries))) return false;

  raft.pendingConfIndex = pendingConfIndex;
  raft.append(entries);
  broadcastAppend(raft);
  return true;
}

/** What an entry of a configuration type says; null if its bytes are damaged. */
function decodeChange(entry: Entry): ConfChange | ConfChangeV2 | null {
  const data = entry.data ?? new Uint8Array(0);
  try {
    return entry.type === EntryType.ConfChange ? decodeConfChange(data) : decodeConfChangeV2(data);
  } catch {
    // The bytes are a client's or another member's: no reason for this node to fail.
    return null;
  }
}

/** Whether etcd 2.x members would understand the change. */
export function isUnderstoodByEtcd2(change: ConfChange | ConfChangeV2): boolean {
  return "nodeId" in change && change.type !== ConfChangeType.AddLearner;
}

function isChangeAcceptable(raft: Raft, entry: Entry, pendingConfIndex: number): boolean {
  const change = decodeChange(entry);
  if (change === null) return false;
  if (raft.compat === "etcd2" && !isUnderstoodByEtcd2(change)) return false;
  // One at a time: two that overlap could make two disjoint majorities.
  if (pendingConfIndex > raft.log.applied) return false;
  const isLeave = stepsOf(change).length === 0;
  return isJoint(raft.tracker.config) === isLeave;
}

/** A proposal on an empty tail is always accepted, and so is one without payload. */
function fitsUncommitted(raft: Raft, sizeBytes: number): boolean {
  const limit = raft.options.maxUncommittedEntriesSize;
  if (limit === 0 || raft.uncommittedSizeBytes === 0 || sizeBytes === 0) return true;
  return raft.uncommittedSizeBytes + sizeBytes <= limit;
}
