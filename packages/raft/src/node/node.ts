// A running member: raft, its disk, its network and its state machine, joined by the one Ready loop
// (loop.ts). Spec: raft.md §16.3; architecture §4, §6.
//
//   submit, propose, read ─►          ┌─► StableStorage
//   step (peer messages)  ─►  loop ───┼─► Transport
//   clock                 ─►          └─► StateMachine

import { nodeIdFromHalves } from "../codec/index.ts";
import { RaftError } from "../errors.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import type { Message } from "../message.ts";
import type { Compat, RaftOptions } from "../options.ts";
import type { BootstrapPeer } from "../bootstrap.ts";
import { RawNode } from "../raw-node.ts";
import type { Status } from "../status.ts";
import {
  ConfChangeTransition,
  NONE,
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type NodeId,
  type Role,
} from "../types.ts";
import { Apply } from "./apply.ts";
import type { Clock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { EventHub, type NodeEvents } from "./events.ts";
import { Loop } from "./loop.ts";
import { Pending } from "./pending.ts";
import { ChangeProposal, DataProposal, giveUp, type Proposed } from "./proposal.ts";
import { Proposals } from "./proposals.ts";
import { Reads } from "./reads.ts";
import { createSnapshot, type SnapshotRequest } from "./create-snapshot.ts";
import type { StateMachine } from "./state-machine.ts";
import type { StableStorage } from "./storage.ts";
import type { Transport } from "./transport.ts";
import { Waiter, type WaitOptions } from "./waiter.ts";

const DEFAULT_QUEUED_PROPOSALS = 16_384;
const DEFAULT_QUEUED_MESSAGES = 4_096;
const DEFAULT_ELECTION_TICKS = 10;
/** `random` is asked for one number below this, to tell this life of the node from earlier ones. */
const LIVES = 2 ** 30;

/** What a node is made of. */
export interface NodeOptions {
  readonly raft: Omit<RaftOptions, "storage" | "asyncStorageWrites">;
  /** What `stable` held when it was opened. From here on only the node changes it. */
  readonly memory: MemoryStorage;
  readonly stable: StableStorage;
  readonly transport: Transport;
  readonly machine: StateMachine;
  readonly clock: Clock;
  readonly tickMs: number;
  /** Ticks that count as passed already, so that the first election comes sooner. Default 0. */
  readonly initialTicks?: number;
  /** The members of a cluster that is new; the same list in the same order on each of them. */
  readonly bootstrap?: readonly BootstrapPeer[];
  /** Proposals that may wait for the disk or for a leader. Default 16384. */
  readonly maxQueuedProposals?: number;
  /** Messages that may wait for the loop. Default 4096. */
  readonly maxQueuedMessages?: number;
  /** Called once when the node fails: stop the process, what is on disk is not known. */
  readonly onFatal?: (error: RaftError) => void;
}

/**
 * What became of `submit`. `ok`: it will be proposed with this turn's batch, which is no promise that it
 * is ever committed. `dropped`: there is no leader. `busy`: the queue is full. `stopped`: the node is, or has failed.
 */
export type SubmitOutcome = "ok" | "dropped" | "busy" | "stopped";

/** The state of raft, and of the queues around it. */
export interface NodeStatus extends Status {
  readonly isFailed: boolean;
  readonly isSaving: boolean;
  readonly queuedProposals: number;
  /** Proposals that nobody awaits and that found no leader to take them. */
  readonly droppedProposals: number;
  /** Messages for others, from itself, refused, or too many. */
  readonly droppedMessages: number;
}

/** Starts a node. It runs until `stop` or until it fails. @throws {RaftError} E_CONFIG, or E_FATAL for damaged storage. */
export function runNode(options: NodeOptions): RaftNode {
  return new RaftNode(options);
}

/** A running node. At most one save and one own snapshot are in flight. */
export class RaftNode implements AsyncDisposable {
  readonly #options: NodeOptions;
  readonly #raft: RawNode;
  readonly #disk: Disk;
  readonly #apply: Apply;
  readonly #pending = new Pending();
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #events = new EventHub();
  readonly #loop: Loop;
  readonly #life: number;
  #changeCount = 0;
  #stopped: Promise<void> | null = null;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { memory, clock, tickMs } = options;
    const raft = new RawNode({ ...options.raft, storage: memory, asyncStorageWrites: true });
    if (options.bootstrap !== undefined) raft.bootstrap(options.bootstrap);
    const isLeaseRead = options.raft.readOnly === "lease";
    if (isLeaseRead) raft.elapse(0); // none of the initial ticks has passed
    raft.tick(options.initialTicks ?? 0);
    const electionTicks = options.raft.electionTick ?? DEFAULT_ELECTION_TICKS;
    this.#raft = raft;
    this.#life = options.raft.random(LIVES);
    this.#disk = new Disk(options.stable);
    this.#proposals = new Proposals(options.maxQueuedProposals ?? DEFAULT_QUEUED_PROPOSALS, this.#pending);
    this.#reads = new Reads(this.#life, electionTicks);
    this.#apply = new Apply({
      raft,
      machine: options.machine,
      pending: this.#pending,
      applied: Math.max(options.raft.applied ?? 0, memory.firstIndex() - 1),
      confState: memory.initialState().confState,
      onChange: (confState) => this.#events.emit("membership", confState),
    });
    this.#loop = new Loop({
      raft,
      memory,
      disk: this.#disk,
      transport: options.transport,
      apply: this.#apply,
      proposals: this.#proposals,
      reads: this.#reads,
      events: this.#events,
      clock,
      tickMs,
      maxDueTicks: Math.max(1, Math.floor(electionTicks / 2)),
      isLeaseRead,
      maxQueuedMessages: options.maxQueuedMessages ?? DEFAULT_QUEUED_MESSAGES,
      onFailed: (error) => this.#onFailed(error),
    });
  }

  /** Who this node is; never changes. */
  get id(): NodeId {
    return this.#raft.id;
  }

  /** The current term; only grows. */
  get term(): number {
    return this.#raft.term;
  }

  /** What this node is in its term. */
  get role(): Role {
    return this.#raft.role;
  }

  /** The leader as far as known, or "0". */
  get leader(): NodeId {
    return this.#raft.lead;
  }

  /** Index of the last entry that the state machine contains. */
  get appliedIndex(): number {
    return this.#apply.applied;
  }

  /** The configuration as of `appliedIndex`: what belongs into a snapshot taken now. */
  get appliedConfState(): ConfState {
    return this.#apply.confState;
  }

  /**
   * Hands bytes to raft without waiting for anything; on a follower they go to the leader. All
   * submissions of one turn of the event loop become one batch. `data` is kept, not copied.
   *
   * Without a leader they are dropped, as etcd does: what is proposed then might be applied long after
   * its client has gone. Whoever needs an outcome recognises the entry when it is applied, and has a timeout.
   */
  submit(data: Uint8Array): SubmitOutcome {
    const refusal = this.#refusal();
    if (refusal !== null) return refusal;
    this.#proposals.submit(data);
    this.#loop.schedule();
    return "ok";
  }

  /** The same for a change of membership. While another one is not applied, a no-op takes its place. */
  submitConfChange(change: ConfChange): SubmitOutcome {
    const refusal = this.#refusal();
    if (refusal !== null) return refusal;
    this.#proposals.submitChange(change);
    this.#loop.schedule();
    return "ok";
  }

  /**
   * Proposes bytes at the leader and waits until they are applied here. Without a leader it waits for
   * one. `data` is kept, not copied.
   *
   * Rejects with `signal.reason`, or with a RaftError. E_PROPOSAL_DROPPED, E_BUSY, E_STOPPED, E_FATAL: not
   * proposed (if another node leads, `details.lead` names it). E_LOST: never committed. E_UNKNOWN: it may
   * still be committed.
   */
  propose(data: Uint8Array, options: WaitOptions = {}): Promise<Proposed> {
    const error = this.#proposalError();
    if (error !== null) return Promise.reject(error);
    const proposal = new DataProposal(data, this.#options.clock, options);
    this.#proposals.add(proposal);
    this.#loop.schedule();
    return proposal.promise;
  }

  /** Proposes a change of membership at the leader and waits until it is applied here. As `propose`; E_CONF_CHANGE if it was refused. */
  changeMembership(change: Omit<ConfChange, "id">, options: WaitOptions = {}): Promise<ConfState> {
    const id = nodeIdFromHalves(this.#life, ++this.#changeCount);
    return this.#changeMembership({ ...change, id }, options);
  }

  /**
   * Proposes several changes that take effect together, through a joint configuration, and waits until that
   * is in force here (Ongaro's thesis §4.3). The leader leaves it by itself; "membership" tells when.
   *
   * As `changeMembership`; E_CONFIG without changes. The state machine is not asked about them.
   */
  changeMembershipJointly(changes: ConfChangeV2["changes"], options: WaitOptions = {}): Promise<ConfState> {
    if (changes.length === 0) return Promise.reject(new RaftError("E_CONFIG", "there is nothing to change"));
    const change = { transition: ConfChangeTransition.JointImplicit, changes, context: null };
    return this.#changeMembership(change, options);
  }

  /**
   * Resolves when it is safe to read the state machine of this node: it then contains everything that
   * was committed when `read` was called. The value is an index that it contains. Raft paper §8.
   *
   * Rejects with `signal.reason`, E_UNAVAILABLE on timeout, E_STOPPED or E_FATAL.
   */
  read(options: WaitOptions = {}): Promise<number> {
    const error = this.#stopError();
    if (error !== null) return Promise.reject(error);
    const waiter = new Waiter<number>(
      this.#options.clock,
      options,
      () => new RaftError("E_UNAVAILABLE", "timed out before a quorum confirmed the leader"),
    );
    this.#reads.add(waiter);
    this.#loop.schedule();
    return waiter.promise;
  }

  /** Resolves when `to` leads. Rejects with `signal.reason`, E_UNAVAILABLE on timeout, E_STOPPED or E_FATAL. */
  async transferLeader(to: NodeId, options: WaitOptions = {}): Promise<void> {
    const error = this.#stopError();
    if (error !== null) throw error;
    if (this.leader === to) return;
    const waiter = new Waiter<void>(
      this.#options.clock,
      options,
      () => new RaftError("E_UNAVAILABLE", `timed out before ${to} became leader`),
    );
    const undo = [
      this.#events.on("leader", ({ lead }) => {
        if (lead === to) waiter.resolve();
      }),
      this.#events.on("error", (cause) => waiter.reject(cause)),
    ];
    this.#loop.input((raft) => raft.transferLeader(to));
    try {
      await waiter.promise;
    } finally {
      for (const remove of undo) remove();
    }
  }

  /** Starts an election, if this node may. */
  campaign(): void {
    this.#loop.input((raft) => raft.campaign());
  }

  /** Takes a message of a peer. Never throws: what is wrong or too much is dropped and counted. */
  step(message: Message): void {
    this.#loop.step(message);
  }

  /** The transport could not deliver to `id`. */
  reportUnreachable(id: NodeId): void {
    this.#loop.input((raft) => raft.reportUnreachable(id));
  }

  /** The transport has delivered the snapshot for `id`, or has given up. Must follow every Snap message. */
  reportSnapshot(id: NodeId, delivered: boolean): void {
    this.#loop.input((raft) => raft.reportSnapshot(id, delivered));
  }

  /** Changes whom the node gets along with; see `Compat`. */
  setCompat(compat: Compat): void {
    this.#loop.input((raft) => raft.setCompat(compat));
  }

  /**
   * Makes a snapshot durable, and forgets entries that it covers. Entries that are applied meanwhile
   * are not affected. One at a time.
   *
   * @throws {RaftError} E_BUSY, E_SNAP_OUT_OF_DATE if there is one that is as new, E_UNAVAILABLE above
   *   `appliedIndex`, E_STOPPED, or E_FATAL if the disk failed.
   */
  async createSnapshot(request: SnapshotRequest): Promise<void> {
    const error = this.#stopError();
    if (error !== null) throw error;
    if (request.index > this.appliedIndex) {
      throw new RaftError(
        "E_UNAVAILABLE",
        `entry ${request.index} is not applied, the last one is ${this.appliedIndex}`,
      );
    }
    await createSnapshot(this.#options.memory, this.#disk, this.#loop, request);
  }

  /** Everything about this node that an operator may ask for, as a copy. */
  status(): NodeStatus {
    return {
      ...this.#raft.status(),
      isFailed: this.#loop.state === "failed",
      isSaving: this.#disk.isSaving,
      queuedProposals: this.#proposals.length,
      droppedProposals: this.#proposals.droppedCount,
      droppedMessages: this.#loop.droppedMessageCount,
    };
  }

  /** Calls `listener` on each event from now on; returns a function that ends it. A listener that throws makes the node fail. */
  on<Name extends keyof NodeEvents>(name: Name, listener: (event: NodeEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Refuses new work, finishes the save and the snapshot in flight, rejects whoever still waits, and
   * closes the stable storage. May be called twice.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** The same as `stop`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #changeMembership(change: ConfChange | ConfChangeV2, options: WaitOptions): Promise<ConfState> {
    const error = this.#proposalError();
    if (error !== null) return Promise.reject(error);
    const proposal = new ChangeProposal(change, this.#options.clock, options);
    this.#proposals.addChange(proposal);
    this.#loop.schedule();
    return proposal.promise;
  }

  async #stop(): Promise<void> {
    await this.#loop.stop();
    await this.#disk.settled();
    this.#giveUpAll(new RaftError("E_STOPPED", "the node was stopped"));
    await this.#disk.close();
  }

  #onFailed(error: RaftError): void {
    this.#giveUpAll(error);
    this.#options.onFatal?.(error);
    this.#events.emit("error", error);
  }

  #giveUpAll(error: RaftError): void {
    for (const proposal of this.#pending.takeAll()) giveUp(proposal, error);
    for (const proposal of this.#proposals.takeAll()) giveUp(proposal, error);
    this.#reads.rejectAll(error);
  }

  #refusal(): SubmitOutcome | null {
    if (this.#loop.state !== "running") return "stopped";
    if (this.#raft.lead === NONE) return "dropped";
    return this.#proposals.isFull ? "busy" : null;
  }

  #proposalError(): RaftError | null {
    const error = this.#stopError();
    if (error !== null || !this.#proposals.isFull) return error;
    return new RaftError("E_BUSY", "too many proposals are waiting");
  }

  #stopError(): RaftError | null {
    const { state } = this.#loop;
    if (state === "running") return null;
    if (state === "failed") return new RaftError("E_FATAL", "the node has failed");
    return new RaftError("E_STOPPED", "the node was stopped");
  }
}
