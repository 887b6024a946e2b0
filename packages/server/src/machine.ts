// The store and the membership as raft's state machine (architecture §6.4): what the driver calls
// when entries are committed or a snapshot has come.

import { EntryType, type ConfChange, type Entry, type Snapshot } from "@kv/raft";
import type { StateMachine } from "@kv/raft/node";
import type { Store } from "@kv/store";
import type { Applier } from "./applier.ts";
import type { Cluster } from "./cluster.ts";

const NO_RESULTS: readonly unknown[] = Object.freeze([]);

export interface MachineDeps {
  readonly applier: Applier;
  readonly store: Store;
  readonly cluster: Cluster;
  /** Entries were applied and the state is that of the last one; never between an entry and its configuration change. */
  onApplied(index: number): void;
  /** Everything was replaced by a snapshot of this index. */
  onRestored(index: number): void;
}

/** Hot path: `apply`. */
export class Machine implements StateMachine {
  readonly #deps: MachineDeps;

  constructor(deps: MachineDeps) {
    this.#deps = deps;
  }

  /** Answers go to those who wait, so there are no results. */
  apply(entries: readonly Entry[]): readonly unknown[] {
    this.#deps.applier.apply(entries);
    const last = entries.at(-1);
    if (last?.type === EntryType.Normal) this.#deps.onApplied(last.index);
    return NO_RESULTS;
  }

  applyConfChange(change: ConfChange): ConfChange {
    return this.#deps.applier.applyConfChange(change);
  }

  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot.meta;
    this.#deps.store.recover(snapshot.data ?? new Uint8Array());
    this.#deps.cluster.recover();
    this.#deps.applier.restored({ index, term });
    this.#deps.onRestored(index);
  }
}
