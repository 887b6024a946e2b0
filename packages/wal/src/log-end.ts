// Where a log is being written: the open segment, the encoder that carries the running crc, and what
// the next save has to fit to. Invariants 2 and 3 of architecture.md §7 are checked here before
// writing and in replay.ts after reading.

import { NONE } from "@kv/raft";
import type { Entry, HardState } from "@kv/raft";
import { assert } from "./assert.ts";
import type { Encoder } from "./encoder.ts";
import type { SegmentFile } from "./segment-file.ts";

/** The end of a log that is open for writing. */
export class LogEnd {
  file: SegmentFile;
  readonly encoder: Encoder;
  /** The data of the metadata record, repeated in every segment. */
  readonly metadata: Uint8Array;
  /** The last hard state in the log. */
  hardState: HardState;
  /** Index of the last entry, or of a later snapshot record. */
  lastIndex: number;

  constructor(
    file: SegmentFile,
    encoder: Encoder,
    metadata: Uint8Array,
    hardState: HardState,
    lastIndex: number,
  ) {
    this.file = file;
    this.encoder = encoder;
    this.metadata = metadata;
    this.hardState = hardState;
    this.lastIndex = lastIndex;
  }

  /** @throws {WalError} `E_ASSERT` when raft may not have asked for this save. */
  checkSave(hardState: HardState | null, entries: readonly Entry[]): void {
    const first = entries[0];
    let lastIndex = this.lastIndex;
    if (first !== undefined) {
      assert(first.index <= lastIndex + 1, "entries follow the log without a gap");
      assert(first.index > this.hardState.commit, "committed entries are not replaced");
      for (let i = 1; i < entries.length; i++) {
        assert(entries[i]!.index === first.index + i, "entries are consecutive");
      }
      lastIndex = first.index + entries.length - 1;
    }
    if (hardState === null || hardState.term === 0) return;
    const previous = this.hardState;
    assert(hardState.term >= previous.term, "the term does not go back");
    if (hardState.term === previous.term && previous.vote !== NONE) {
      assert(hardState.vote === previous.vote, "a vote is not changed within its term");
    }
    assert(hardState.commit <= lastIndex, "only entries in the log are committed");
  }

  /** To be called when the save is written. */
  noteSave(hardState: HardState | null, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last !== undefined) this.lastIndex = last.index;
    if (hardState !== null && hardState.term > 0) this.hardState = hardState;
  }
}
