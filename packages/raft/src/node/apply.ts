// Committed entries to the state machine, each once and in order; changes of membership also to raft.
// Spec: raft.md §10.1, §13.2. Hot path: one call of the machine per run of normal entries.

import { assert } from "../assert.ts";
import { decodeConfChange, decodeConfChangeV2 } from "../codec/index.ts";
import type { ApplyConfChangeResult, RawNode } from "../raw-node.ts";
import {
  ConfChangeType,
  EntryType,
  NONE,
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  type Snapshot,
} from "../types.ts";
import type { Pending } from "./pending.ts";
import type { StateMachine } from "./state-machine.ts";

/** A change that changes nothing: what damaged bytes are taken for, on every member alike. */
const NO_CHANGE: ConfChange = { id: NONE, type: ConfChangeType.AddNode, nodeId: NONE, context: null };

export interface ApplyOptions {
  readonly raft: RawNode;
  readonly machine: StateMachine;
  readonly pending: Pending;
  /** What the state machine contains already, and the configuration as of there. */
  readonly applied: number;
  readonly confState: ConfState;
  /** Called after each change of membership. */
  readonly onChange: (confState: ConfState) => void;
}

/** What has been applied, and how more is. */
export class Apply {
  readonly #options: ApplyOptions;
  #applied: number;
  #confState: ConfState;

  constructor(options: ApplyOptions) {
    this.#options = options;
    this.#applied = options.applied;
    this.#confState = options.confState;
  }

  /** Index of the last applied entry. */
  get applied(): number {
    return this.#applied;
  }

  /** The configuration as of `applied`. */
  get confState(): ConfState {
    return this.#confState;
  }

  /** Applies entries that are committed and durable. */
  entries(entries: readonly Entry[]): void {
    let runStart = 0;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      assert(
        entry.index === this.#applied + 1 + (i - runStart),
        "entries are applied in order and without gaps",
      );
      if (entry.type === EntryType.Normal) continue;
      this.#run(entries, runStart, i + 1);
      runStart = i + 1;
    }
    this.#run(entries, runStart, entries.length);
  }

  /** Starts over from a snapshot that is durable. */
  restore(snapshot: Snapshot): void {
    const { machine, pending, onChange } = this.#options;
    machine.restore(snapshot);
    this.#applied = snapshot.meta.index;
    this.#confState = snapshot.meta.confState;
    pending.skipThrough(snapshot.meta.index);
    onChange(this.#confState);
  }

  // Positions [start, end): normal entries, of which the last may be a change of membership.
  #run(entries: readonly Entry[], start: number, end: number): void {
    if (start === end) return;
    const { machine, pending } = this.#options;
    const run = start === 0 && end === entries.length ? entries : entries.slice(start, end);
    const results = machine.apply(run);
    const last = run[run.length - 1]!;
    this.#applied = last.index;
    const change = last.type === EntryType.Normal ? null : this.#change(last);
    if (pending.isEmpty) return;
    for (let i = 0; i < run.length; i++) {
      const entry = run[i]!;
      pending.settle({ entry, result: results[i], change: entry === last ? change : null });
    }
  }

  // Null if the state machine refused the change.
  #change(entry: Entry): ApplyConfChangeResult | null {
    const { raft, machine, onChange } = this.#options;
    const change = decodeChange(entry);
    const accepted = "nodeId" in change ? machine.applyConfChange(change) : change;
    const outcome = raft.applyConfChange(accepted);
    this.#confState = outcome.confState;
    onChange(outcome.confState);
    const isRefused = "nodeId" in accepted && accepted.nodeId === NONE;
    return isRefused ? null : outcome;
  }
}

function decodeChange(entry: Entry): ConfChange | ConfChangeV2 {
  const data = entry.data ?? new Uint8Array(0);
  try {
    return entry.type === EntryType.ConfChange ? decodeConfChange(data) : decodeConfChangeV2(data);
  } catch {
    return NO_CHANGE; // it came through the log: refused everywhere, no reason to fail (raft.md §10.2)
  }
}
