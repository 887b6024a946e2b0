// Whether the thread should wait for a sync itself. A detour through the thread pool wakes two sleeping
// threads, which costs a lone writer on an idle machine a third of the sync; but while a thread waits, it
// serves nobody. So: only where one entry after the other has been saved alone, on a disk that has been
// quick (performance.md §6). Hot path.

/** Up to here the average sync is quick. The loop must not stand still for more than a few milliseconds. */
const QUICK_MS = 1;

/** The share of the latest sync in the average: one of 20 ms among quick ones ends the waiting for a dozen. */
const LATEST_SHARE = 1 / 16;

/** What a disk is thought to take before anything is known: trusted after some dozens of quick syncs. */
const UNKNOWN_MS = 10;

/** So many synced saves in a row that were lone are a lone writer, and no crowd that happens to begin with one. */
const LONE_STREAK = 8;

/** What the recent syncs of a log were like. */
export class LoneSyncs {
  #loneCount = 0;
  #averageMs = UNKNOWN_MS;

  /** Says what kind of save is to be synced; whether to wait for its sync in this thread. */
  shouldWait(isLone: boolean): boolean {
    const shouldWait = isLone && this.#loneCount >= LONE_STREAK && this.#averageMs <= QUICK_MS;
    this.#loneCount = isLone ? this.#loneCount + 1 : 0;
    return shouldWait;
  }

  /** Says how long a sync took, however it was made. */
  took(durationMs: number): void {
    this.#averageMs += (durationMs - this.#averageMs) * LATEST_SHARE;
  }
}
