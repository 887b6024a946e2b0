// Records to frames, with the running crc, into one buffer that is reused for every batch.
// Nothing is padded: real etcd 2.x refuses a log with padded frames. Hot path.
// Source: disk-format.md §3.2 to §3.5.
//
//   length of the record, 8 bytes little-endian | record: type, crc, data

import { delimitedSize, uint64Size, writeEntry, writeHardState, Writer } from "@kv/raft/codec";
import type { Entry, HardState } from "@kv/raft";
import { crc32c } from "./crc32c.ts";
import { encodeSnapshotPosition, RecordType } from "./record.ts";
import type { SnapshotPosition } from "./record.ts";

/** The buffer for a batch of ordinary size. */
const BATCH_SIZE_BYTES = 64 * 1024;
/** A buffer that has grown beyond this is not kept. */
const KEPT_SIZE_BYTES = 4 * 1024 * 1024;

/** Bytes of the length field in front of a record. */
export const LENGTH_FIELD_BYTES = 8;

/** Collects the frames of one batch. `take` lends them; the next `put…` overwrites them. */
export class Encoder {
  #frames = new Writer(BATCH_SIZE_BYTES);
  #data = new Writer(BATCH_SIZE_BYTES);
  readonly #lengthField = new Uint8Array(LENGTH_FIELD_BYTES);
  #crc: number;

  /** @param crc the running crc so far: 0 for a new log. */
  constructor(crc: number) {
    this.#crc = crc;
  }

  /** The running crc after everything put so far. */
  get crc(): number {
    return this.#crc;
  }

  /** Opens a segment: the crc reached at the end of the one before. */
  putCrc(): void {
    this.#putLength(3 + uint64Size(this.#crc));
    this.#frames.uint64(1, RecordType.Crc);
    this.#frames.uint64(2, this.#crc);
  }

  putMetadata(metadata: Uint8Array): void {
    this.#putRecord(RecordType.Metadata, metadata);
  }

  putEntry(entry: Entry): void {
    this.#data.reset();
    writeEntry(this.#data, entry);
    this.#putRecord(RecordType.Entry, this.#data.view());
  }

  putState(state: HardState): void {
    this.#data.reset();
    writeHardState(this.#data, state);
    this.#putRecord(RecordType.State, this.#data.view());
  }

  putSnapshotPosition(at: SnapshotPosition): void {
    this.#putRecord(RecordType.Snapshot, encodeSnapshotPosition(at));
  }

  /** The frames put since the last call, valid until the next `put…`. */
  take(): Uint8Array {
    const bytes = this.#frames.view();
    this.#frames.reset();
    if (bytes.length > KEPT_SIZE_BYTES) {
      this.#frames = new Writer(BATCH_SIZE_BYTES);
      this.#data = new Writer(BATCH_SIZE_BYTES);
    }
    return bytes;
  }

  #putRecord(type: RecordType, data: Uint8Array): void {
    const crc = crc32c(data, this.#crc);
    this.#crc = crc;
    this.#putLength(3 + uint64Size(crc) + delimitedSize(data.length));
    this.#frames.uint64(1, type);
    this.#frames.uint64(2, crc);
    this.#frames.bytes(3, data);
  }

  #putLength(sizeBytes: number): void {
    const field = this.#lengthField;
    field[0] = sizeBytes;
    field[1] = sizeBytes >>> 8;
    field[2] = sizeBytes >>> 16;
    field[3] = sizeBytes >>> 24;
    this.#frames.raw(field);
  }
}
