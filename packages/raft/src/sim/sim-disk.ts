// The disk of one member. What is written becomes durable when a sync has ended; a crash before that
// loses any suffix of it, also the rest of a batch that was half written.
//
//   save ─► written (lost or torn by a crash) ─► sync ─► image (survives)

import type { SaveBatch, StableStorage } from "../node/index.ts";
import { NONE, type HardState, type NodeId, type Snapshot } from "../types.ts";
import { DiskImage, type DiskRecord } from "./disk-image.ts";
import type { Invariants } from "./invariants.ts";
import type { RandomStream } from "./random-stream.ts";
import type { SimClock } from "./sim-clock.ts";
import type { World } from "./world.ts";

/** The message of the error that a failing write rejects with. */
export const DISK_FAILURE = "the simulated disk has failed";

const SYNC_MAX_MS = 4;
const WRITE_MS = 0.05;
const SNAPSHOT_MAX_MS = 40;
/** How often a crash leaves everything that was written: the process died, not the machine. */
const KEEP_ALL_PROBABILITY = 0.3;

/** A disk that outlives its node, and forgets what was not synced. */
export class SimDisk {
  readonly image: DiskImage = new DiskImage();
  readonly #id: NodeId;
  readonly #world: World;
  readonly #random: RandomStream;
  readonly #invariants: Invariants;
  #written: DiskRecord[] = [];
  #hardState: HardState = this.image.hardState;
  #lastIndex = 0;
  #openSaveCount = 0;
  #ownSnapshotCount = 0;
  #stalledUntilMs = 0;
  #isFailing = false;

  constructor(id: NodeId, world: World, random: RandomStream, invariants: Invariants) {
    this.#id = id;
    this.#world = world;
    this.#random = random;
    this.#invariants = invariants;
  }

  /** Everything takes this much longer for a while. */
  stall(durationMs: number): void {
    this.#stalledUntilMs = this.#world.nowMs + durationMs;
  }

  /** The next write fails, and the node has to stop. */
  failNext(): void {
    this.#isFailing = true;
  }

  /** Nothing is wrong with it any more. */
  repair(): void {
    this.#isFailing = false;
    this.#stalledUntilMs = 0;
  }

  /** The storage of one life of the node; what `clock` does not call any more never happens. */
  open(clock: SimClock): StableStorage {
    return {
      save: (batch) => this.#save(batch, clock),
      saveSnapshot: (snapshot) => this.#saveSnapshot(snapshot, clock),
      close: () => Promise.resolve(),
    };
  }

  /** The power goes, or only the process: some prefix of what was not synced is kept. */
  crash(): void {
    const { coverage } = this.#world;
    const count = this.#written.length;
    const kept = this.#random.chance(KEEP_ALL_PROBABILITY) ? count : this.#random.below(count + 1);
    if (kept < count) coverage.count("unsyncedLost");
    if (kept > 0 && kept < count) coverage.count("tornWrite");
    if (this.#ownSnapshotCount > 0) coverage.count("snapshotCutByCrash");
    this.#flush(kept);
    this.#written = [];
    this.#openSaveCount = 0;
    this.#ownSnapshotCount = 0;
    this.#hardState = this.image.hardState;
    this.#lastIndex = this.image.lastIndex;
    this.#invariants.reopened(this.#id, this.image);
  }

  #save(batch: SaveBatch, clock: SimClock): Promise<void> {
    this.#checkContract(batch);
    this.#openSaveCount++;
    const { snapshot, entries, hardState } = batch;
    if (snapshot !== null) this.#written.push({ kind: "snapshot", snapshot });
    for (const entry of entries) this.#written.push({ kind: "entry", entry });
    if (hardState !== null) this.#written.push({ kind: "hardState", hardState });
    this.#invariants.saved(this.#id, batch);
    const isSynced = batch.mustSync || snapshot !== null;
    return this.#afterwards(isSynced ? this.#syncMs(SYNC_MAX_MS) : WRITE_MS, clock, () => {
      this.#openSaveCount--;
      if (isSynced) this.#flush(this.#written.length);
    });
  }

  #saveSnapshot(snapshot: Snapshot, clock: SimClock): Promise<void> {
    this.#ownSnapshotCount++;
    if (this.#openSaveCount > 0) {
      this.#world.violate("disk-contract", `${this.#id} begins a snapshot during a save`);
    }
    return this.#afterwards(this.#syncMs(SNAPSHOT_MAX_MS), clock, () => {
      this.#ownSnapshotCount--;
      if (this.#openSaveCount === 0) this.#flush(this.#written.length);
      this.image.compact(snapshot);
    });
  }

  // The disk goes on while the process stands still; only the process hears of it later.
  #afterwards(delayMs: number, clock: SimClock, finish: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#world.after(delayMs, () => {
      if (!clock.isAlive) return;
      if (this.#isFailing) {
        this.#isFailing = false;
        this.#world.coverage.count("diskFailure");
        clock.run(() => reject(new Error(DISK_FAILURE)));
        return;
      }
      finish();
      clock.run(resolve);
    });
    return promise;
  }

  #syncMs(longestMs: number): number {
    const stalledMs = Math.max(0, this.#stalledUntilMs - this.#world.nowMs);
    if (stalledMs > 0) this.#world.coverage.count("diskStall");
    return stalledMs + this.#random.between(1, longestMs * 100) / 100;
  }

  #flush(count: number): void {
    for (let i = 0; i < count; i++) this.image.write(this.#written[i]!);
    this.#written = this.#written.slice(count);
  }

  #checkContract({ hardState, entries, snapshot }: SaveBatch): void {
    const violate = (text: string): void => this.#world.violate("disk-contract", `${this.#id}: ${text}`);
    if (this.#openSaveCount > 0) violate("two saves at once");
    if (snapshot !== null && this.#ownSnapshotCount > 0) violate("a received snapshot during an own one");
    if (snapshot !== null) this.#lastIndex = snapshot.meta.index;
    const first = entries[0];
    if (first !== undefined) {
      if (first.index > this.#lastIndex + 1) violate(`entry ${first.index} after ${this.#lastIndex}`);
      if (first.index <= this.#hardState.commit) violate(`entry ${first.index} replaces a committed one`);
      this.#lastIndex = first.index + entries.length - 1;
    }
    if (hardState === null) return;
    const previous = this.#hardState;
    if (hardState.term < previous.term) violate(`term ${hardState.term} after ${previous.term}`);
    if (hardState.commit < previous.commit) violate(`commit ${hardState.commit} after ${previous.commit}`);
    if (hardState.commit > this.#lastIndex) violate(`commit ${hardState.commit} above ${this.#lastIndex}`);
    const isVoteChanged = previous.vote !== NONE && previous.vote !== hardState.vote;
    if (hardState.term === previous.term && isVoteChanged) violate(`two votes in term ${hardState.term}`);
    this.#hardState = hardState;
  }
}
