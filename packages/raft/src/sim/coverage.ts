// What has happened in simulations, counted. A simulator whose faults never occur finds nothing: the
// tests fail while any of these is 0.

/** The kinds of event that are counted. */
export const COVERED = [
  "electionWon",
  "electionLost",
  "preElection",
  "stepDown",
  "messageDropped",
  "messageDuplicated",
  "messageReordered",
  "messageBlocked",
  "messageToDeadNode",
  "partition",
  "oneWayCut",
  "crash",
  "crashOfAll",
  "restart",
  "unsyncedLost",
  "tornWrite",
  "diskFailure",
  "diskStall",
  "pause",
  "skewedClock",
  "appendRejected",
  "logTruncated",
  "snapshotCreated",
  "snapshotCutByCrash",
  "snapshotRestored",
  "snapshotLost",
  "memberAdded",
  "learnerAdded",
  "memberRemoved",
  "changeRefused",
  "jointEntered",
  "jointLeft",
  "transferAsked",
  "leaderTransferred",
  "commitWithoutLeaderDisk",
  "commitBehindAtRestart",
  "operationDone",
  "operationForwarded",
  "operationLost",
  "operationRefused",
  "operationUnknown",
  "casFailed",
  "readConfirmed",
  "readTimedOut",
  "siege",
  "readByLease",
  "readByQuorum",
  "programReplaced",
  "profileToModern",
  "profileToEtcd2",
  "preVoteAtEtcd2Rules",
  "messageNotForEtcd2",
] as const;

/** A kind of event that is counted. */
export type Covered = (typeof COVERED)[number];

/** Counters by kind of event. */
export class Coverage {
  readonly #counts = new Map<Covered, number>();

  /** Notes that an event has happened once more. */
  count(kind: Covered): void {
    this.#counts.set(kind, this.of(kind) + 1);
  }

  /** How often an event has happened. */
  of(kind: Covered): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Adds the counters of another execution. */
  add(other: Coverage): void {
    for (const kind of COVERED) this.#counts.set(kind, this.of(kind) + other.of(kind));
  }

  /** What has never happened. */
  missing(): Covered[] {
    return COVERED.filter((kind) => this.of(kind) === 0);
  }

  /** The counters as plain data. */
  toRecord(): Record<string, number> {
    return Object.fromEntries(COVERED.map((kind) => [kind, this.of(kind)]));
  }
}
