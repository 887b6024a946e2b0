// The segment that is being written: it grows by appending and ends with its last frame, because
// real etcd 2.x refuses visible zeros behind it. Hot path: `append`.

import * as path from "node:path";
import { SEGMENT_MODE } from "./file-system.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { UNFINISHED_SUFFIX } from "./segment.ts";
import type { Segment } from "./segment.ts";

/** Up to here a write is done at once (2 to 5 µs into the page cache); above, the loop must not wait for the copy. */
const WRITE_AT_ONCE_MAX_BYTES = 256 * 1024;

/** An open segment at its end. Errors are the system's; whoever gets one must not use the file any more. */
export class SegmentFile {
  readonly segment: Segment;
  readonly #file: FileHandle;
  #sizeBytes: number;

  private constructor(segment: Segment, file: FileHandle, sizeBytes: number) {
    this.segment = segment;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** Opens a segment that ends at `sizeBytes`; what is behind that (zeros of 3.x) is cut off. */
  static async open(
    directory: string,
    segment: Segment,
    sizeBytes: number,
    fileSystem: FileSystem,
  ): Promise<SegmentFile> {
    const file = await fileSystem.open(path.join(directory, segment.name), "write", SEGMENT_MODE);
    try {
      await file.truncate(sizeBytes);
      return new SegmentFile(segment, file, sizeBytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Makes a new segment with its opening records appear under its name at once and durably: written
   * under another name, synced, renamed.
   */
  static async create(
    directory: string,
    segment: Segment,
    opening: Uint8Array,
    fileSystem: FileSystem,
  ): Promise<SegmentFile> {
    const finished = path.join(directory, segment.name);
    const unfinished = finished + UNFINISHED_SUFFIX;
    const file = await fileSystem.open(unfinished, "create", SEGMENT_MODE);
    try {
      const segmentFile = new SegmentFile(segment, file, 0);
      await segmentFile.append(opening);
      await segmentFile.datasync();
      await fileSystem.rename(unfinished, finished);
      await fileSystem.syncDirectory(directory);
      return segmentFile;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Writes behind the end, in one call to the system. Null when that is done on return, else a promise;
   * until it resolves, `bytes` must not change.
   */
  append(bytes: Uint8Array): Promise<void> | null {
    if (bytes.length > WRITE_AT_ONCE_MAX_BYTES) return this.#appendInPool(bytes);
    this.#advance(bytes.length, this.#file.writeSync(bytes, bytes.length, this.#sizeBytes));
    return null;
  }

  datasync(): Promise<void> {
    return this.#file.datasync();
  }

  datasyncSync(): void {
    this.#file.datasyncSync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #appendInPool(bytes: Uint8Array): Promise<void> {
    this.#advance(bytes.length, await this.#file.write(bytes, bytes.length, this.#sizeBytes));
  }

  /** A short write to a file is a full or failing disk: there is no point in asking again. */
  #advance(expected: number, written: number): void {
    if (written !== expected) throw new Error(`only ${written} of ${expected} bytes were written`);
    this.#sizeBytes += written;
  }
}
