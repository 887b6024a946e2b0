// All members with their Progress, the configuration in force, and the quorums that follow from it.
// In a joint configuration a decision needs a majority of both halves (Ongaro's thesis §4.3).
// Spec: raft.md §8.2, §9, §10. Hot path.

import { assert } from "./assert.ts";
import { compareNodeIds } from "./codec/index.ts";
import { findConfStateFault, normalizeConfState } from "./conf-change.ts";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";
import { EMPTY_CONF_STATE, type ConfState, type NodeId } from "./types.ts";

/** How a vote stands. */
export const VoteResult = { Pending: 0, Lost: 1, Won: 2 } as const;
export type VoteResult = (typeof VoteResult)[keyof typeof VoteResult];

const NO_VOTES: ReadonlyMap<NodeId, boolean> = new Map();
const NO_PROGRESSES: readonly Progress[] = Object.freeze([]);

// Indexes in ascending order while a quorum is computed, and nothing between two calls: shared, so
// that an idle group stays small. Doubles hold every index exactly.
let scratch = new Float64Array(8);

/** The members of a group as one of them sees it. */
export class Tracker {
  /** In ascending order of ids; learners included. */
  progresses: readonly Progress[] = NO_PROGRESSES;
  config: ConfState = EMPTY_CONF_STATE;
  #incoming: readonly Progress[] = NO_PROGRESSES;
  #outgoing: readonly Progress[] = NO_PROGRESSES;
  // Null outside of campaigns.
  #votes: Map<NodeId, boolean> | null = null;
  readonly #maxInflightCount: number;
  readonly #maxInflightSizeBytes: number;

  constructor(maxInflightCount: number, maxInflightSizeBytes: number) {
    this.#maxInflightCount = maxInflightCount;
    this.#maxInflightSizeBytes = maxInflightSizeBytes;
  }

  get(id: NodeId): Progress | undefined {
    // Groups are small: this is faster than a map (bench: 64 proposals per round).
    for (let i = 0; i < this.progresses.length; i++) {
      if (this.progresses[i]!.id === id) return this.progresses[i];
    }
    return undefined;
  }

  isVoter(id: NodeId): boolean {
    return this.config.voters.includes(id) || this.config.votersOutgoing.includes(id);
  }

  /** Whether one voter alone decides. */
  isSingleton(): boolean {
    return this.#incoming.length === 1 && this.#outgoing.length === 0;
  }

  /** The voters of both halves, in ascending order of ids. */
  voterIds(): readonly NodeId[] {
    const ids = new Set([...this.config.voters, ...this.config.votersOutgoing]);
    return [...ids].toSorted(compareNodeIds);
  }

  /**
   * Puts a configuration into force. Members that stay keep their progress, except `renewed` ones; new
   * ones start without any and count as recently active, so that they are not held against the leader.
   *
   * @throws {RaftError} E_FATAL if the configuration contradicts itself.
   */
  switchTo(config: ConfState, lastIndex: number, renewed?: ReadonlySet<NodeId>): void {
    const fault = findConfStateFault(config);
    assert(fault === null, fault ?? "");
    this.config = normalizeConfState(config);
    const byId = new Map<NodeId, Progress>();
    const { voters, votersOutgoing, learners } = this.config;
    for (const id of [...voters, ...votersOutgoing, ...learners]) {
      const old = renewed?.has(id) === true ? undefined : this.get(id);
      byId.set(id, old ?? this.#newProgress(id, lastIndex));
    }
    this.progresses = [...byId.values()].toSorted((a, b) => compareNodeIds(a.id, b.id));
    for (const progress of this.progresses) progress.isLearner = learners.includes(progress.id);
    this.#incoming = select(this.progresses, voters);
    this.#outgoing = select(this.progresses, votersOutgoing);
    if (this.progresses.length > scratch.length) scratch = new Float64Array(this.progresses.length);
  }

  /** The highest index a quorum has; +∞ if there is no voter. */
  committedIndex(): number {
    const incoming = this.#majorityMatch(this.#incoming);
    if (this.#outgoing.length === 0) return incoming;
    return Math.min(incoming, this.#majorityMatch(this.#outgoing));
  }

  /** The highest position a quorum of voters has acknowledged; whoever is not in `acks` has none. */
  committedAck(acks: ReadonlyMap<NodeId, number>): number {
    return Math.min(this.#majorityAck(this.#incoming, acks), this.#majorityAck(this.#outgoing, acks));
  }

  /** Whether the leader `self` heard of a quorum since the last check. */
  isQuorumActive(self: NodeId): boolean {
    return isMajorityActive(this.#incoming, self) && isMajorityActive(this.#outgoing, self);
  }

  resetVotes(): void {
    this.#votes = null;
  }

  /** Takes the first answer of each member; later ones change nothing. */
  recordVote(id: NodeId, isGranted: boolean): void {
    this.#votes ??= new Map();
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
  }

  /** The answers so far. */
  votes(): ReadonlyMap<NodeId, boolean> {
    return this.#votes ?? NO_VOTES;
  }

  tallyVotes(): VoteResult {
    const incoming = tally(this.config.voters, this.votes());
    const outgoing = tally(this.config.votersOutgoing, this.votes());
    if (incoming === outgoing) return incoming;
    if (incoming === VoteResult.Lost || outgoing === VoteResult.Lost) return VoteResult.Lost;
    return VoteResult.Pending;
  }

  #newProgress(id: NodeId, lastIndex: number): Progress {
    const inflights = new Inflights(this.#maxInflightCount, this.#maxInflightSizeBytes);
    return new Progress(id, Math.max(lastIndex, 1), false, inflights);
  }

  #majorityMatch(voters: readonly Progress[]): number {
    for (let i = 0; i < voters.length; i++) insertSorted(i, voters[i]!.match);
    return majority(voters.length);
  }

  #majorityAck(voters: readonly Progress[], acks: ReadonlyMap<NodeId, number>): number {
    for (let i = 0; i < voters.length; i++) insertSorted(i, acks.get(voters[i]!.id) ?? 0);
    return majority(voters.length);
  }
}

/** Insertion sort into the scratch array: groups are small, and nothing is allocated. */
function insertSorted(count: number, value: number): void {
  let at = count;
  for (; at > 0 && scratch[at - 1]! > value; at--) scratch[at] = scratch[at - 1]!;
  scratch[at] = value;
}

/** The highest value that more than half of the first `count` in the scratch array reach. */
function majority(count: number): number {
  if (count === 0) return Number.POSITIVE_INFINITY;
  const quorum = Math.floor(count / 2) + 1;
  return scratch[count - quorum]!;
}

/** Those of `progresses` whose ids are in `ids`; all `ids` are among them. */
function select(progresses: readonly Progress[], ids: readonly NodeId[]): readonly Progress[] {
  if (ids.length === 0) return NO_PROGRESSES;
  if (ids.length === progresses.length) return progresses;
  return progresses.filter((progress) => ids.includes(progress.id));
}

function isMajorityActive(voters: readonly Progress[], self: NodeId): boolean {
  if (voters.length === 0) return true;
  let active = 0;
  for (const progress of voters) if (progress.isRecentlyActive || progress.id === self) active++;
  return active >= Math.floor(voters.length / 2) + 1;
}

/** An empty half counts as won, so that it never stands in the way of the other one. */
function tally(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return VoteResult.Won;
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const quorum = Math.floor(voters.length / 2) + 1;
  if (granted >= quorum) return VoteResult.Won;
  return granted + missing < quorum ? VoteResult.Lost : VoteResult.Pending;
}
