// Records in the order of the log to what raft starts from: entries (a later write of an index wins
// and drops what was behind it), the last hard state, the metadata. Every rule that a writer keeps
// is checked again here. Source: disk-format.md §3.5, §3.7; architecture.md §7.

import { EMPTY_HARD_STATE } from "@kv/raft";
import type { Entry, HardState } from "@kv/raft";
import type { Decoder } from "./decoder.ts";
import { WalError } from "./errors.ts";
import {
  decodeEntryRecord,
  decodeMetadata,
  decodeSnapshotPosition,
  decodeStateRecord,
  RecordType,
} from "./record.ts";
import type { SnapshotPosition, WalMetadata } from "./record.ts";

/** What a log holds behind a snapshot. `entries` is consecutive and starts at the snapshot's index + 1. */
export interface LogContent {
  readonly metadata: WalMetadata;
  readonly hardState: HardState;
  readonly entries: Entry[];
}

/** Takes the records of all segments of a log, then says what they amount to. */
export class Replay {
  readonly entries: Entry[] = [];
  /** The last one read, as it was written; null before the first. */
  hardState: HardState | null = null;
  /** The bytes of the metadata record, equal in all segments; null before the first. */
  metadataBytes: Uint8Array | null = null;
  /** Whether the record of the snapshot the log is read for was seen. */
  hasSnapshotRecord = false;

  readonly #at: SnapshotPosition;
  #metadata: WalMetadata | null = null;
  /** Records of the current segment so far. */
  #position = 0;
  /** What was committed before the last state record: entries up to here are never replaced. */
  #committedBefore = 0;

  constructor(at: SnapshotPosition) {
    this.#at = at;
  }

  /** Index of the last entry, or of the snapshot when there is none behind it. */
  get lastIndex(): number {
    return this.#at.index + this.entries.length;
  }

  /** Must be called before the records of each segment. */
  beginSegment(): void {
    this.#position = 0;
  }

  /** Whether the current segment has its opening records, so that others may be appended. */
  get isSegmentOpened(): boolean {
    return this.#position >= 2;
  }

  /**
   * Takes the current record of the decoder.
   *
   * @throws {WalError} for a record that no writer writes here; `segment` is for the message.
   */
  take(decoder: Decoder, segment: string): void {
    const at = { segment, offset: decoder.offset };
    const position = this.#position++;
    const type = decoder.type;
    if (
      (type === RecordType.Crc) !== (position === 0) ||
      (type === RecordType.Metadata) !== (position === 1)
    ) {
      throw new WalError("E_DAMAGED", `record ${position} of a segment cannot be of type ${type}`, { at });
    }
    if (type === RecordType.Crc) return;
    try {
      this.#takeData(type, decoder.data());
    } catch (cause) {
      const code = cause instanceof WalError ? cause.code : "E_DAMAGED";
      throw new WalError(code, cause instanceof Error ? cause.message : String(cause), { at, cause });
    }
  }

  /**
   * What the log amounts to.
   *
   * @throws {WalError} `E_METADATA` without metadata, `E_COMMIT` when committed entries are missing.
   */
  finish(): LogContent {
    if (this.#metadata === null) throw new WalError("E_METADATA", "the log has no metadata record");
    return {
      metadata: this.#metadata,
      hardState: this.#finishedHardState(),
      entries: this.entries,
    };
  }

  #takeData(type: RecordType, data: Uint8Array): void {
    switch (type) {
      case RecordType.Metadata:
        this.#takeMetadata(data);
        return;
      case RecordType.Entry:
        this.#takeEntry(expectDecoded(decodeEntryRecord(data), "an entry"));
        return;
      case RecordType.State:
        this.#takeState(expectDecoded(decodeStateRecord(data), "a hard state"));
        return;
      case RecordType.Snapshot:
        this.#takeSnapshot(expectDecoded(decodeSnapshotPosition(data), "a snapshot position"));
        return;
      case RecordType.Crc:
        return;
    }
  }

  #takeMetadata(data: Uint8Array): void {
    const metadata = expectDecoded(decodeMetadata(data), "metadata");
    if (this.metadataBytes !== null && Buffer.compare(this.metadataBytes, data) !== 0) {
      throw new WalError("E_METADATA", "wal: conflicting metadata found");
    }
    this.metadataBytes = data;
    this.#metadata = metadata;
  }

  #takeEntry(entry: Entry): void {
    if (entry.index <= this.#at.index) return;
    const offset = entry.index - this.#at.index - 1;
    if (offset > this.entries.length) {
      throw new WalError("E_GAP", `entry ${entry.index} follows entry ${this.lastIndex}`);
    }
    if (offset < this.entries.length && entry.index <= this.#committedBefore) {
      throw new WalError("E_GAP", `entry ${entry.index} replaces one that was committed`);
    }
    const previousTerm = offset === 0 ? this.#at.term : this.entries[offset - 1]!.term;
    if (entry.term < previousTerm) {
      throw new WalError(
        "E_DAMAGED",
        `entry ${entry.index} of term ${entry.term} follows term ${previousTerm}`,
      );
    }
    this.entries.length = offset;
    this.entries.push(entry);
  }

  #takeState(state: HardState): void {
    const previous = this.hardState;
    if (previous !== null && state.term < previous.term) {
      throw new WalError("E_DAMAGED", `hard state of term ${state.term} follows term ${previous.term}`);
    }
    this.#committedBefore = previous?.commit ?? 0;
    this.hardState = state;
  }

  #takeSnapshot(position: SnapshotPosition): void {
    if (position.index !== this.#at.index) return;
    if (position.term !== this.#at.term) {
      const message = `wal: snapshot mismatch: index ${position.index} has term ${position.term}, not ${this.#at.term}`;
      throw new WalError("E_SNAPSHOT_MISMATCH", message);
    }
    this.hasSnapshotRecord = true;
  }

  #finishedHardState(): HardState {
    const { index, term } = this.#at;
    let state = this.hardState ?? EMPTY_HARD_STATE;
    // A crash between a received snapshot and the state behind it: the snapshot itself says that
    // its term has been reached (no vote was cast in it) and that its index is committed.
    if (state.term < term) state = { ...EMPTY_HARD_STATE, term, commit: state.commit };
    if (state.commit < index) state = { ...state, commit: index };
    if (state.commit <= this.lastIndex) return state;
    throw new WalError(
      "E_COMMIT",
      `state.commit ${state.commit} is out of range [${index}, ${this.lastIndex}]`,
    );
  }
}

function expectDecoded<T>(value: T | null, what: string): T {
  if (value === null) throw new WalError("E_DAMAGED", `the record is not ${what}`);
  return value;
}
