// Reads by the clock: for a while after a quorum has answered a heartbeat, nobody else can be elected, and
// the leader answers reads without asking again (Ongaro's thesis §6.4.1). Two sides make it good:
//
//   leader    heartbeat sent ──────────── leaseTicks ────────┤ asks the quorum again from here on
//   voter            └► answered ─────────────────── electionTick ──────────────┤ may vote from here on
//
// A voter keeps its promise whatever happens to it: it may lose sight of the leader, be told to campaign,
// change its profile, or start again. Only a transfer ordered by the leader releases it, and the leader
// that orders one has given up its lease.

/** One node's part in reads by lease. All times are ticks of the own clock since this node was made. */
export class ReadLease {
  #now = 0;
  // Whether time is told by `elapse`, so that ticks do not count.
  #isElapsing = false;
  // As a leader: when the last heartbeat that a quorum has answered was sent.
  #heldFrom = Number.NEGATIVE_INFINITY;
  #isGivenUp = false;
  // As a voter. An earlier life may have answered a heartbeat just before it ended.
  #promisedAt = 0;
  readonly #leaseTicks: number;
  readonly #electionTick: number;

  constructor(leaseTicks: number, electionTick: number) {
    this.#leaseTicks = leaseTicks;
    this.#electionTick = electionTick;
  }

  get now(): number {
    return this.#now;
  }

  /** A tick has come. */
  tick(): void {
    if (!this.#isElapsing) this.#now++;
  }

  /** So many ticks have passed by the clock, whether `tick` is called for all of them or not. */
  elapse(count: number): void {
    this.#isElapsing = true;
    this.#now += count;
  }

  /** Another term, or another role. */
  end(): void {
    this.#heldFrom = Number.NEGATIVE_INFINITY;
    this.#isGivenUp = false;
  }

  /** A member is told to stand for election now: late or not, it may win while this node leads. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** A quorum has answered a heartbeat that was sent at `sentAt`. */
  confirm(sentAt: number): void {
    this.#heldFrom = Math.max(this.#heldFrom, sentAt);
  }

  /** Whether nobody else can have been elected. */
  isHeld(): boolean {
    return !this.#isGivenUp && this.#now - this.#heldFrom < this.#leaseTicks;
  }

  /** A leader's heartbeat is answered. */
  promise(): void {
    this.#promisedAt = this.#now;
  }

  /** Whether a leader may count on it that this node does not vote for another, nor stands for election itself. */
  isPromised(): boolean {
    return this.#now - this.#promisedAt < this.#electionTick;
  }
}
