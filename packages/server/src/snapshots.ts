// Each member takes snapshots of its own accord, so that its log can be cut and a restart is short
// (disk-format.md §4, architecture §5.5). The store is frozen in an instant and encoded in slices,
// while entries go on being applied.

import { RaftError, type ConfState } from "@kv/raft";
import type { FrozenStore } from "@kv/store";
import type { Logger } from "./logger.ts";
import { slowHistogram, type DurationHistogram } from "./metrics.ts";

export interface SnapshotsDeps {
  /** Applied entries between two snapshots; one is taken when more than this many have been applied. */
  readonly snapshotCount: number;
  readonly logger: Logger;
  readonly freeze: () => FrozenStore;
  /** The configuration as of the applied index. */
  readonly confState: () => ConfState;
  /** Makes it durable and lets go of what it covers. */
  readonly save: (index: number, confState: ConfState, data: Uint8Array) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Lets the event loop handle what is waiting. */
  readonly yieldLoop: () => Promise<void>;
  /** A snapshot that cannot be made or saved ends the process. */
  readonly onFatal: (error: unknown) => void;
}

/** Decides when to take a snapshot, and takes at most one at a time. */
export class Snapshots {
  readonly encodeDurations: DurationHistogram = slowHistogram();
  /** From the frozen store to a durable file. */
  readonly saveDurations: DurationHistogram = slowHistogram();
  readonly #deps: SnapshotsDeps;
  #lastIndex: number;
  #taking: Promise<void> | null = null;

  /** `lastIndex` is that of the snapshot the member started from; 0 without one. */
  constructor(deps: SnapshotsDeps, lastIndex: number) {
    this.#deps = deps;
    this.#lastIndex = lastIndex;
  }

  /** To be called when entries have been applied, with the index of the last one. */
  applied(index: number): void {
    if (this.#taking !== null || index - this.#lastIndex <= this.#deps.snapshotCount) return;
    this.#deps.logger.info("start to snapshot", { applied: index, lastSnapshot: this.#lastIndex });
    this.#lastIndex = index;
    const confState = this.#deps.confState();
    this.#taking = this.#take(index, confState, this.#deps.freeze())
      .catch(this.#deps.onFatal)
      .finally(() => {
        this.#taking = null;
      });
  }

  /** A snapshot that came from the leader makes an own one unnecessary for a while. */
  received(index: number): void {
    this.#lastIndex = Math.max(this.#lastIndex, index);
  }

  /** Resolves when no snapshot is being taken. */
  async settle(): Promise<void> {
    await this.#taking;
  }

  async #take(index: number, confState: ConfState, frozen: FrozenStore): Promise<void> {
    const startMs = this.#deps.now();
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of frozen.encode({ pause: this.#deps.yieldLoop })) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
    }
    const data = await this.#join(chunks, sizeBytes);
    this.encodeDurations.observe((this.#deps.now() - startMs) / 1_000);
    try {
      await this.#deps.save(index, confState, data);
    } catch (error) {
      if (!isSuperfluous(error)) throw error;
      this.#deps.logger.info("dropped a snapshot", { raftIndex: index, reason: error.code });
      return;
    }
    this.saveDurations.observe((this.#deps.now() - startMs) / 1_000);
    this.#deps.logger.info("saved snapshot", { raftIndex: index, sizeBytes });
  }

  // Copying hundreds of megabytes at once would hold up heartbeats.
  async #join(chunks: readonly Uint8Array[], sizeBytes: number): Promise<Uint8Array> {
    const data = new Uint8Array(sizeBytes);
    let offset = 0;
    let copied = 0;
    for (const chunk of chunks) {
      data.set(chunk, offset);
      offset += chunk.length;
      copied += chunk.length;
      if (copied < COPY_SLICE_BYTES) continue;
      copied = 0;
      await this.#deps.yieldLoop();
    }
    return data;
  }
}

/** A newer one came from the leader meanwhile, or the member stops. */
function isSuperfluous(error: unknown): error is RaftError {
  return error instanceof RaftError && (error.code === "E_SNAP_OUT_OF_DATE" || error.code === "E_STOPPED");
}

const COPY_SLICE_BYTES = 8 * 1024 * 1024;
