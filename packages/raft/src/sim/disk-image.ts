// What a disk would show after a power cut: a snapshot, the entries behind it and a hard state. Each
// entry carries the digest of the whole log up to it, so that two logs are compared by one number.

import { MemoryStorage } from "../memory-storage.ts";
import { EMPTY_HARD_STATE, EMPTY_SNAPSHOT, type Entry, type HardState, type Snapshot } from "../types.ts";

/** What one write puts into the log. The order in a batch is that of etcd's log. */
export type DiskRecord =
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "hardState"; readonly hardState: HardState };

/** The content of a disk. */
export class DiskImage {
  hardState: HardState = EMPTY_HARD_STATE;
  snapshot: Snapshot = EMPTY_SNAPSHOT;
  #entries: Entry[] = [];

  get lastIndex(): number {
    return this.snapshot.meta.index + this.#entries.length;
  }

  get isEmpty(): boolean {
    return this.lastIndex === 0 && this.hardState.term === 0;
  }

  /** The term of an entry; null if it is above the last. What a snapshot covers has the term of the snapshot. */
  term(index: number): number | null {
    const { index: base, term } = this.snapshot.meta;
    if (index <= base) return term;
    return this.#entries[index - base - 1]?.term ?? null;
  }

  /** Whether the entry of this index and term is here, as itself or in the snapshot. */
  has(index: number, term: number): boolean {
    return index <= this.snapshot.meta.index || this.term(index) === term;
  }

  write(record: DiskRecord): void {
    switch (record.kind) {
      case "snapshot":
        this.snapshot = record.snapshot;
        this.#entries = [];
        return;
      case "entry":
        this.#writeEntry(record.entry);
        return;
      case "hardState":
        this.hardState = record.hardState;
    }
  }

  /** Takes a snapshot of the own state machine: the entries behind it stay. */
  compact(snapshot: Snapshot): void {
    const covered = snapshot.meta.index - this.snapshot.meta.index;
    if (covered <= 0) return;
    this.#entries = this.#entries.slice(covered);
    this.snapshot = snapshot;
  }

  /** What a node that starts now finds. */
  load(): MemoryStorage {
    const memory = new MemoryStorage();
    if (this.snapshot.meta.index > 0) memory.applySnapshot(this.snapshot);
    const { index } = this.snapshot.meta;
    memory.setHardState({ ...this.hardState, commit: Math.max(this.hardState.commit, index) });
    memory.append(this.#entries);
    return memory;
  }

  #writeEntry(entry: Entry): void {
    const offset = entry.index - this.snapshot.meta.index - 1;
    if (offset < 0) return;
    this.#entries.length = Math.min(this.#entries.length, offset);
    this.#entries.push(entry);
  }
}
