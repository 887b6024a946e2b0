// The raft state machine: role, term and vote of one node, and how a message changes them. It has no
// clock, no I/O and no chance of its own: same inputs, same outputs. What each role does with a
// message is in step-leader.ts, step-candidate.ts and step-follower.ts.
//
//               times out            wins
//   Follower ─────────────► Candidate ────► Leader
//      ▲  └─► PreCandidate ─────┘ │            │
//      └──────── higher term, or a leader of this term
//
// Raft paper §5. Spec: raft.md §5, §6. Hot path.

import { assert } from "./assert.ts";
import { hup, isTransferCampaign, answerVote } from "./election.ts";
import { entriesSizeBytes, payloadSizeBytes } from "./entry-size.ts";
import { RaftLog } from "./log.ts";
import { isTermless, kindOf, Message, MessageType } from "./message.ts";
import { checkApplied, type Compat, type ResolvedOptions } from "./options.ts";
import { ReadLease } from "./read-lease.ts";
import { ReadQueue, type ReadState } from "./read-only.ts";
import { stepCandidate } from "./step-candidate.ts";
import { stepFollower } from "./step-follower.ts";
import { stepLeader } from "./step-leader.ts";
import type { RaftTrace } from "./trace.ts";
import { Tracker } from "./tracker.ts";
import { EntryType, NONE, Role, type ConfState, type Entry, type NodeId, type Snapshot } from "./types.ts";

/** The whole state of one node. Its fields are for this package; users see `RawNode`. */
export class Raft {
  readonly id: NodeId;
  readonly options: ResolvedOptions;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads: ReadQueue = new ReadQueue();
  /** Null unless reads go by a lease of limited time. */
  readonly lease: ReadLease | null;
  readonly trace: RaftTrace | null;

  term: number = 0;
  vote: NodeId = NONE;
  role: Role = Role.Follower;
  lead: NodeId = NONE;
  electionElapsed: number = 0;
  heartbeatElapsed: number = 0;
  randomizedElectionTimeout: number = 0;
  /** The member leadership is being handed to. */
  leadTransferee: NodeId = NONE;
  /** No further change of membership is accepted until this index is applied. */
  pendingConfIndex: number = 0;
  uncommittedSizeBytes: number = 0;

  /** Messages that may leave at once. */
  messages: Message[] = [];
  /** Messages that may leave, or be stepped if they are for this node, once everything before them is stable. */
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  /** Reads that wait for the first commit of this term. */
  heldReads: Message[] = [];
  #compat: Compat;
  /** What was acknowledged in later terms was acknowledged by this run of the node. */
  readonly #termAtStart: number;
  /** The last term in which an append was accepted since the start. */
  acceptedAppendTerm = 0;
  #doubtedThrough = 0;

  /** Starts as a follower from what storage holds. */
  constructor(options: ResolvedOptions) {
    const { hardState, confState } = options.storage.initialState();
    this.id = options.id;
    this.options = options;
    this.trace = options.trace;
    this.#compat = options.compat;
    const isLeaseLimited = options.readOnly === "lease" && options.leaseTicks !== Number.POSITIVE_INFINITY;
    this.lease = isLeaseLimited ? new ReadLease(options.leaseTicks, options.electionTick) : null;
    this.log = new RaftLog(options.storage, options.maxCommittedSizePerReady);
    this.tracker = new Tracker(options.maxInflightMsgs, options.maxInflightBytes);
    this.tracker.switchTo(confState, this.log.lastIndex);
    // A crash in the middle of a batch can leave entries without the hard state behind them. Nothing was
    // promised in their term then, or it would be on disk; so no vote was cast in it (raft.md §13.4).
    const isTermLost = this.log.lastTerm > hardState.term;
    this.term = isTermLost ? this.log.lastTerm : hardState.term;
    this.vote = isTermLost ? NONE : hardState.vote;
    this.#termAtStart = this.term;
    this.log.loadCommit(hardState);
    checkApplied(options.applied, this.log.applied, this.log.committed);
    if (options.applied > 0) this.log.appliedTo(options.applied, 0);
    this.becomeFollower(this.term, NONE);
  }

  get compat(): Compat {
    return this.#compat;
  }

  /** Switches between living with etcd 2.x members and not; allowed at any time. */
  setCompat(compat: Compat): void {
    this.#compat = compat;
    if (compat === "modern") return;
    // A 2.x member would take a pre-vote for the word of a new leader, and TimeoutNow too (raft.md §15.1).
    if (this.role === Role.PreCandidate) this.becomeFollower(this.term, NONE);
    this.leadTransferee = NONE;
  }

  get isPreVoteOn(): boolean {
    return this.options.preVote && this.#compat === "modern";
  }

  /** Whether votes are refused while a leader is in touch. */
  get isVoteLeaseOn(): boolean {
    return this.options.checkQuorum && this.#compat === "modern";
  }

  /** Whether a leader counts on this node for its reads, so that it elects nobody else. */
  hasPromised(): boolean {
    return this.lease !== null && this.lease.isPromised();
  }

  /** Whether this node may become leader: a voter that has installed every snapshot it received. */
  isPromotable(): boolean {
    const self = this.tracker.get(this.id);
    return self !== undefined && !self.isLearner && this.log.unstable.snapshot === null;
  }

  /** Advances time by one tick. */
  tick(): void {
    if (this.lease !== null) this.lease.tick();
    if (this.role === Role.Leader) {
      this.#tickLeader();
      return;
    }
    this.electionElapsed++;
    if (this.electionElapsed < this.randomizedElectionTimeout || !this.isPromotable()) return;
    this.electionElapsed = 0;
    this.step(new Message(MessageType.Hup, NONE, this.id));
  }

  /**
   * Processes one message of a peer, or a local one of term 0.
   *
   * @returns false if it was a proposal and had to be dropped.
   */
  step(message: Message): boolean {
    if (this.trace !== null) this.trace({ t: "recv", message });
    // A proposal belongs to no term, whatever it says; other requests may leave it out.
    const isTermed = message.type !== MessageType.Prop && (message.term !== 0 || !isTermless(message.type));
    if (isTermed && !this.#passGate(message)) return true;
    switch (kindOf(message)) {
      case MessageType.Hup:
        hup(this, this.isPreVoteOn ? "preElection" : "election");
        return true;
      case MessageType.Vote:
      case MessageType.PreVote:
        // Also of the own term, if that has begun since the promise was given.
        if (this.hasPromised() && !isTransferCampaign(message)) return true;
        answerVote(this, message);
        return true;
      case MessageType.StorageAppendResp:
        if (message.index !== 0) this.log.unstable.stableTo(message.index, message.logTerm);
        if (message.snapshot.meta.index !== 0) this.#appliedSnapshot(message.snapshot);
        return true;
      case MessageType.StorageApplyResp:
        this.#appliedEntries(message.entries);
        return true;
      default:
        return this.#stepRole(message);
    }
  }

  /** A new term, or a new role in this one. A reset at the same term keeps the vote. */
  reset(term: number): void {
    assert(term >= this.term, "the term never decreases");
    if (term !== this.term) {
      this.term = term;
      this.vote = NONE;
    }
    this.lead = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    const { electionTick, random } = this.options;
    this.randomizedElectionTimeout = electionTick + random(electionTick);
    this.leadTransferee = NONE;
    this.tracker.resetVotes();
    const lastIndex = this.log.lastIndex;
    for (const progress of this.tracker.progresses) {
      progress.reset(lastIndex);
      if (progress.id === this.id) progress.match = lastIndex;
    }
    this.pendingConfIndex = 0;
    this.uncommittedSizeBytes = 0;
    this.reads.reset();
    if (this.lease !== null) this.lease.end();
    if (this.heldReads.length > 0) this.heldReads = [];
  }

  becomeFollower(term: number, lead: NodeId): void {
    this.reset(term);
    this.role = Role.Follower;
    this.lead = lead;
    this.#traceRole();
  }

  becomeCandidate(): void {
    assert(this.role !== Role.Leader, "a leader does not become candidate");
    this.reset(this.term + 1);
    this.vote = this.id;
    this.role = Role.Candidate;
    this.#traceRole();
  }

  /** Term, vote and timeout stay: a pre-election changes nothing but the role. */
  becomePreCandidate(): void {
    assert(this.role !== Role.Leader, "a leader does not become pre-candidate");
    this.tracker.resetVotes();
    this.lead = NONE;
    this.role = Role.PreCandidate;
    this.#traceRole();
  }

  becomeLeader(): void {
    assert(this.role !== Role.Follower, "a follower does not become leader");
    this.reset(this.term);
    this.lead = this.id;
    this.role = Role.Leader;
    const self = this.tracker.get(this.id);
    if (self !== undefined) {
      self.becomeReplicate();
      self.isRecentlyActive = true;
    }
    // Conservative: one of the entries in the tail may be a change that is not applied yet.
    this.pendingConfIndex = this.log.lastIndex;
    this.#traceRole();
    // Raft paper §8: entries of former terms become committed through one of the own term.
    this.append([{ term: this.term, index: this.log.lastIndex + 1, type: EntryType.Normal, data: null }]);
  }

  /** Appends entries that already carry the own term and the next indexes. */
  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    this.uncommittedSizeBytes += payloadSizeBytes(entries);
    const lastIndex = this.log.lastIndex;
    if (this.trace !== null) this.trace({ t: "append", from: entries[0]!.index, through: lastIndex });
    // The own copy counts like a peer's: once it is durable.
    const ack = new Message(MessageType.AppResp, this.id, this.id, this.term);
    ack.index = lastIndex;
    this.send(ack);
  }

  /** Commits what a quorum has, if its last entry is of the own term (raft paper §5.4.2). */
  maybeCommit(): boolean {
    const commit = this.tracker.committedIndex();
    if (!this.log.maybeCommit(commit, this.term)) return false;
    if (this.trace !== null) this.trace({ t: "commit", commit });
    return true;
  }

  /** Whether this leader has committed an entry of its own term, so that its commit index is the cluster's. */
  hasCommittedInTerm(): boolean {
    return this.log.matchTerm(this.log.committed, this.term);
  }

  /** Queues a message; promises wait until what they promise is stable. */
  send(message: Message): void {
    if (this.trace !== null) this.trace({ t: "send", message });
    switch (kindOf(message)) {
      case MessageType.AppResp:
      case MessageType.VoteResp:
      case MessageType.PreVoteResp:
        this.messagesAfterAppend.push(message);
        return;
      default:
        this.messages.push(message);
    }
  }

  /**
   * Refuses a heartbeat whose commit index is above the log, unless `commitTo` is to find it fatal; false: it may go on.
   *
   * A leader knows what this node has acknowledged in its term, and within a term a log does not shrink. An append
   * that was accepted begins at or above all that (Progress: match < next), so behind one of the same term such a
   * heartbeat is forged. In the term of the start, before that, it tells of entries that the disk has lost, which is
   * fatal. In another term it may be forged, or the disk may have lost the term too: then this node gives no votes
   * until its log reaches that index, because whoever it would elect might lack what it has acknowledged.
   */
  refuseCommit({ type, term, commit }: Message): boolean {
    if (type !== MessageType.Heartbeat || commit <= this.log.lastIndex) return false;
    if (this.options.onCommitRegression !== "throw") return false;
    if (term === this.acceptedAppendTerm) return true;
    if (term <= this.#termAtStart) return false;
    this.#doubtedThrough = Math.max(this.#doubtedThrough, commit);
    return true;
  }

  /** Entries may be missing that this node has acknowledged: it must not help to elect anyone, itself included. */
  get isInDoubt(): boolean {
    return this.#doubtedThrough > this.log.lastIndex;
  }

  /** A message of the own term to `to`, to be filled in and sent. */
  messageTo(to: NodeId, type: MessageType): Message {
    return new Message(type, to, this.id, this.term);
  }

  /** Puts a configuration into force that was read from a snapshot or computed from a change. */
  switchConfiguration(config: ConfState, renewed?: ReadonlySet<NodeId>): void {
    this.tracker.switchTo(config, this.log.lastIndex, renewed);
    if (this.trace !== null) this.trace({ t: "conf", confState: this.tracker.config });
  }

  /** @throws {RaftError} E_FATAL if the state contradicts itself. Integer compares only. */
  checkInvariants(): void {
    this.log.checkInvariants();
    assert(this.term >= this.log.lastTerm, "the term is at least that of the last entry");
    if (this.role !== Role.Leader) return;
    assert(this.lead === this.id, "a leader knows itself as the leader");
    const lastIndex = this.log.lastIndex;
    const { progresses } = this.tracker;
    for (let i = 0; i < progresses.length; i++) progresses[i]!.checkInvariants(lastIndex);
  }

  #tickLeader(): void {
    this.heartbeatElapsed++;
    this.electionElapsed++;
    if (this.electionElapsed >= this.options.electionTick) {
      this.electionElapsed = 0;
      if (this.options.checkQuorum) this.step(new Message(MessageType.CheckQuorum, NONE, this.id));
      // A transfer that took this long has failed: accept proposals again.
      if (this.role === Role.Leader) this.leadTransferee = NONE;
    }
    if (this.role !== Role.Leader || this.heartbeatElapsed < this.options.heartbeatTick) return;
    this.heartbeatElapsed = 0;
    this.step(new Message(MessageType.Beat, NONE, this.id));
  }

  /** Compares terms, before the role matters; false if the message ends here. Spec: raft.md §6.1. */
  #passGate(message: Message): boolean {
    if (message.term === this.term) return true;
    if (message.term < this.term) {
      this.#answerOldTerm(message);
      return false;
    }
    const { type } = message;
    if ((type === MessageType.Vote || type === MessageType.PreVote) && !isTransferCampaign(message)) {
      const inLease = this.lead !== NONE && this.electionElapsed < this.options.electionTick;
      if ((this.isVoteLeaseOn && inLease) || this.hasPromised()) return false;
    }
    // Both are about a term that nobody has reached yet.
    if (type === MessageType.PreVote) return true;
    if (type === MessageType.PreVoteResp && !message.reject) return true;
    const isFromLeader =
      type === MessageType.App || type === MessageType.Heartbeat || type === MessageType.Snap;
    this.becomeFollower(message.term, isFromLeader ? message.from : NONE);
    return true;
  }

  #answerOldTerm(message: Message): void {
    switch (kindOf(message)) {
      case MessageType.App:
      case MessageType.Heartbeat:
        // The own term in the answer frees a leader that nobody follows any more, and this node with it.
        if (this.options.checkQuorum || this.isPreVoteOn) {
          this.send(this.messageTo(message.from, MessageType.AppResp));
        }
        return;
      case MessageType.PreVote: {
        const refusal = this.messageTo(message.from, MessageType.PreVoteResp);
        refusal.reject = true;
        this.send(refusal);
        return;
      }
      case MessageType.StorageAppendResp:
        // The entries may have been overwritten since; the snapshot was not.
        if (message.snapshot.meta.index !== 0) this.#appliedSnapshot(message.snapshot);
        return;
      default:
    }
  }

  #stepRole(message: Message): boolean {
    if (this.role === Role.Leader) return stepLeader(this, message);
    return this.role === Role.Follower ? stepFollower(this, message) : stepCandidate(this, message);
  }

  #appliedSnapshot(snapshot: Snapshot): void {
    this.log.unstable.stableSnapTo(snapshot.meta.index);
    this.#appliedTo(snapshot.meta.index, 0);
  }

  #appliedEntries(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#appliedTo(entries.at(-1)!.index, entriesSizeBytes(entries));
    this.uncommittedSizeBytes = Math.max(0, this.uncommittedSizeBytes - payloadSizeBytes(entries));
  }

  #appliedTo(index: number, sizeBytes: number): void {
    const applied = Math.max(index, this.log.applied);
    this.log.appliedTo(applied, sizeBytes);
    if (this.trace !== null) this.trace({ t: "apply", applied });
    if (!this.tracker.config.autoLeave || applied < this.pendingConfIndex || this.role !== Role.Leader)
      return;
    // Refused while a transfer runs; the next entry that is applied tries again.
    const leave = new Message(MessageType.Prop);
    leave.entries = [{ term: 0, index: 0, type: EntryType.ConfChangeV2, data: null }];
    this.step(leave);
  }

  #traceRole(): void {
    if (this.trace === null) return;
    this.trace({ t: "term", term: this.term });
    this.trace({ t: "vote", term: this.term, vote: this.vote });
    this.trace({ t: "role", role: this.role, term: this.term, lead: this.lead });
  }
}
