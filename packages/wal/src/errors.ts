// One error class with a stable code and, where a record is at fault, its place on the disk.

/**
 * What went wrong; public API.
 *
 * - `E_CRC` a record's bytes do not match the running crc
 * - `E_DAMAGED` a frame or record cannot be what a writer wrote, and is not the end of a torn write
 * - `E_TORN` a segment that is not the last one ends inside a frame
 * - `E_GAP` entries or segments are missing in the middle, or committed entries would be replaced
 * - `E_METADATA` the metadata record is missing or differs between segments
 * - `E_SNAPSHOT_MISMATCH` the log holds a snapshot record of this index with another term
 * - `E_NO_SNAPSHOT` the log holds no snapshot record for the position it was opened at
 * - `E_NO_SEGMENT` no segment starts at or before that position
 * - `E_COMMIT` the hard state's commit lies outside of the log
 * - `E_EXISTS` a log is to be created where one is
 * - `E_LOG_LOST` there are snapshots but the log is gone
 * - `E_LAYOUT` the data directory has a layout this version must not touch
 * - `E_LOCKED` another process uses the directory
 * - `E_FAILED` an earlier write, sync or rename failed: this log must not be used any more
 * - `E_CLOSED` the log was closed
 * - `E_IO` reading, listing or removing a file failed
 * - `E_ASSERT` an invariant of this package or a precondition of a call does not hold
 */
export type WalErrorCode =
  | "E_CRC"
  | "E_DAMAGED"
  | "E_TORN"
  | "E_GAP"
  | "E_METADATA"
  | "E_SNAPSHOT_MISMATCH"
  | "E_NO_SNAPSHOT"
  | "E_NO_SEGMENT"
  | "E_COMMIT"
  | "E_EXISTS"
  | "E_LOG_LOST"
  | "E_LAYOUT"
  | "E_LOCKED"
  | "E_FAILED"
  | "E_CLOSED"
  | "E_IO"
  | "E_ASSERT";

/** The place of a frame: segment file name and the byte offset of its length field. */
export interface FramePosition {
  readonly segment: string;
  readonly offset: number;
}

/** An error of this package. Switch on `code`, never on the message. */
export class WalError extends Error {
  override readonly name: string = "WalError";
  readonly code: WalErrorCode;
  /** The frame at fault, or null when the error is not about one. */
  readonly at: FramePosition | null;

  constructor(
    code: WalErrorCode,
    message: string,
    options: { at?: FramePosition | null; cause?: unknown } = {},
  ) {
    const at = options.at ?? null;
    super(at === null ? message : `${message} (${at.segment} at offset ${at.offset})`, {
      cause: options.cause,
    });
    this.code = code;
    this.at = at;
  }
}
