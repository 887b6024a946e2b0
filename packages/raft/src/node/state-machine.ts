// What the driver asks of the application (architecture §6.4).

import type { ConfChange, Entry, Snapshot } from "../types.ts";

/** What the log is for. All members apply the same entries in the same order. */
export interface StateMachine {
  /**
   * Applies entries: every committed entry passes here, in order and exactly once per process life,
   * never concurrently with itself. Synchronous; what it throws is fatal.
   *
   * An entry without data (null or empty) is a no-op, and one of a configuration type is only named
   * here, so that indexes have no gaps: it is the last of its call, and if it is a `ConfChange`
   * then `applyConfChange` follows. The results line up with the entries; missing ones are undefined.
   */
  apply(entries: readonly Entry[]): readonly unknown[];
  /**
   * Decides about a change of membership, on every member alike. Returns it to accept it, or with
   * nodeId "0" to refuse it. Changes of type V2 are not asked about.
   */
  applyConfChange(change: ConfChange): ConfChange;
  /** Replaces everything by the state in `snapshot`. */
  restore(snapshot: Snapshot): void;
}
