// The public face of the core: inputs come in through tick, step and propose, work goes out through
// ready, and advance tells that the work is done. Spec: raft.md §16.2. Hot path.
//
//   inputs ──► RawNode ──► ready() ──► persist, send, apply ──► advance()
//
// In synchronous mode one Ready is out at a time. While it is being persisted, every input is legal;
// what it causes is in the next Ready, and advance() confirms exactly what the Ready contained.

import { fatal } from "./assert.ts";
import { bootstrap, type BootstrapPeer } from "./bootstrap.ts";
import { encodeConfChange, encodeConfChangeV2 } from "./codec/index.ts";
import { RaftError } from "./errors.ts";
import { isEntries } from "./log.ts";
import { applyChange } from "./membership.ts";
import { isLocal, isResponse, Message, MessageType } from "./message.ts";
import { resolveOptions, type Compat, type RaftOptions } from "./options.ts";
import { isUnderstoodByEtcd2, proposeEntries } from "./propose.ts";
import { Raft } from "./raft.ts";
import { APPEND_WORKER, APPLY_WORKER, ReadySource, type Ready } from "./ready.ts";
import { readStatus, type Status } from "./status.ts";
import {
  EntryType,
  NONE,
  Role,
  type ConfChange,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  type NodeId,
} from "./types.ts";

/**
 * What became of a proposal. `index` is that of its first entry, and `term` its term: the proposal is
 * committed when an entry with both is. A forwarded one gets its place at the leader, or is lost.
 */
export type ProposeResult =
  | { readonly ok: true; readonly forwarded: false; readonly index: number; readonly term: number }
  | { readonly ok: true; readonly forwarded: true }
  | { readonly ok: false; readonly code: "E_PROPOSAL_DROPPED" | "E_CONF_CHANGE"; readonly lead: NodeId };

/** What became of a message. If it is not ok, nothing has changed. */
export type StepResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: "E_LOCAL_MSG" | "E_PEER_NOT_FOUND" | "E_FORGED" | "E_PROPOSAL_DROPPED";
    };

export type { BootstrapPeer } from "./bootstrap.ts";

/** The configuration after a change, and why the change had no effect if it had none. */
export interface ApplyConfChangeResult {
  readonly confState: ConfState;
  readonly error?: RaftError;
}

const OK: StepResult = Object.freeze({ ok: true });
const LOCAL: StepResult = Object.freeze({ ok: false, code: "E_LOCAL_MSG" });
const UNKNOWN_PEER: StepResult = Object.freeze({ ok: false, code: "E_PEER_NOT_FOUND" });
const FORGED: StepResult = Object.freeze({ ok: false, code: "E_FORGED" });
const DROPPED: StepResult = Object.freeze({ ok: false, code: "E_PROPOSAL_DROPPED" });
const FORWARDED: ProposeResult = Object.freeze({ ok: true, forwarded: true });

/**
 * A raft node without clock, disk and network.
 *
 * After a fatal error the node is failed: every call but `status` and the getters throws that error.
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #ready: ReadySource;
  #failure: RaftError | null = null;

  /**
   * Starts a node from what `options.storage` holds.
   *
   * @throws {RaftError} E_CONFIG for an option that is not acceptable, E_FATAL if the storage is damaged.
   */
  constructor(options: RaftOptions) {
    this.#raft = new Raft(resolveOptions(options));
    this.#ready = new ReadySource(this.#raft);
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
  get lead(): NodeId {
    return this.#raft.lead;
  }

  /** Index of the last entry known to be committed. */
  get commit(): number {
    return this.#raft.log.committed;
  }

  /** Index of the last entry that was confirmed as applied. */
  get applied(): number {
    return this.#raft.log.applied;
  }

  /** The configuration in force. */
  get confState(): ConfState {
    return this.#raft.tracker.config;
  }

  /** The error that has made the node failed, or null. */
  get failure(): RaftError | null {
    return this.#failure;
  }

  /**
   * Makes an empty node a member of a new cluster, which has these members from the beginning.
   *
   * Every member must be given the same peers in the same order. Spec: raft.md §14.
   *
   * @throws {RaftError} E_CONFIG if there are no peers or the log is not empty.
   */
  bootstrap(peers: readonly BootstrapPeer[]): void {
    this.#assertUsable();
    if (peers.length === 0) throw new RaftError("E_CONFIG", "a cluster needs at least one member");
    if (this.#raft.log.lastIndex !== 0) throw new RaftError("E_CONFIG", "only an empty node is bootstrapped");
    try {
      // Nothing is persisted yet, so the first Ready must carry the hard state.
      this.#ready.forgetHardState();
      bootstrap(this.#raft, peers);
      this.#raft.checkInvariants();
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /**
   * Says how many ticks have passed by the clock, for reads by lease; to be called before whatever came in
   * meanwhile is stepped. From the first call on `tick` does not count for them: it comes later, and not
   * for all of the time in which a process stood still.
   */
  elapse(count: number): void {
    this.#assertUsable();
    this.#raft.lease?.elapse(count);
  }

  /** Advances time by `count` ticks. */
  tick(count: number = 1): void {
    this.#assertUsable();
    try {
      for (let i = 0; i < count; i++) this.#raft.tick();
      this.#raft.checkInvariants();
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** Starts an election, if this node may. */
  campaign(): void {
    this.#stepLocal(new Message(MessageType.Hup, NONE, this.id));
  }

  /** Proposes one entry. `data` is kept, not copied; empty data is a no-op. */
  propose(data: Uint8Array): ProposeResult {
    return this.#propose(EntryType.Normal, [data]);
  }

  /**
   * Proposes several entries as one piece: one append, one broadcast, consecutive indexes.
   *
   * @throws {RaftError} E_CONFIG if `data` is empty.
   */
  proposeBatch(data: readonly Uint8Array[]): ProposeResult {
    if (data.length === 0) throw new RaftError("E_CONFIG", "a proposal needs at least one entry");
    return this.#propose(EntryType.Normal, data);
  }

  /**
   * Proposes a change of membership. While another one is not applied, the leader appends a no-op in
   * its place.
   *
   * The result is E_CONF_CHANGE if etcd 2.x members are present and would not understand the change.
   */
  proposeConfChange(change: ConfChange | ConfChangeV2): ProposeResult {
    this.#assertUsable();
    if (this.#raft.compat === "etcd2" && !isUnderstoodByEtcd2(change)) {
      return { ok: false, code: "E_CONF_CHANGE", lead: this.#raft.lead };
    }
    return "nodeId" in change
      ? this.#propose(EntryType.ConfChange, [encodeConfChange(change)])
      : this.#propose(EntryType.ConfChangeV2, [encodeConfChangeV2(change)]);
  }

  /**
   * Puts a committed change of membership into force.
   *
   * To be called for each configuration entry of `committedEntries`, in order and before `advance`; for
   * one that the application refuses, with a node id of "0".
   */
  applyConfChange(change: ConfChange | ConfChangeV2): ApplyConfChangeResult {
    this.#assertUsable();
    try {
      const error = applyChange(this.#raft, change);
      this.#raft.checkInvariants();
      return error === null ? { confState: this.confState } : { confState: this.confState, error };
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** Processes a message from a peer, or in async mode a response of a storage worker. */
  step(message: Message): StepResult {
    this.#assertUsable();
    const { type, from } = message;
    const isFromWorker =
      (type === MessageType.StorageAppendResp && from === APPEND_WORKER) ||
      (type === MessageType.StorageApplyResp && from === APPLY_WORKER);
    if (!isFromWorker) {
      if (isLocal(type)) return LOCAL;
      if (isResponse(type) && this.#raft.tracker.get(from) === undefined) return UNKNOWN_PEER;
      if (this.#raft.refuseCommit(message)) return FORGED;
    }
    return this.#stepLocal(message) ? OK : DROPPED;
  }

  /** Asks for a read index; the answer is a ReadState with the same context, or never comes. */
  readIndex(context: Uint8Array): void {
    const message = new Message(MessageType.ReadIndex);
    message.entries = [{ term: 0, index: 0, type: EntryType.Normal, data: context }];
    this.#stepLocal(message);
  }

  /** Asks the leader to hand leadership to `to`. */
  transferLeader(to: NodeId): void {
    this.#stepLocal(new Message(MessageType.TransferLeader, NONE, to));
  }

  /** Makes a follower forget its leader, so that it grants pre-votes at once. */
  forgetLeader(): void {
    this.#stepLocal(new Message(MessageType.ForgetLeader));
  }

  /** Reports that a message to `id` could not be sent. */
  reportUnreachable(id: NodeId): void {
    this.#stepLocal(new Message(MessageType.Unreachable, NONE, id));
  }

  /** Reports how sending a snapshot to `id` has ended. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const message = new Message(MessageType.SnapStatus, NONE, id);
    message.reject = !ok;
    this.#stepLocal(message);
  }

  /** Whether `ready` would carry anything. Cheap. */
  hasReady(): boolean {
    this.#assertUsable();
    return this.#ready.hasReady();
  }

  /**
   * Takes what has to be done next. It stays valid and unchanged whatever is stepped meanwhile.
   *
   * @throws {RaftError} E_FATAL if the previous Ready was not advanced (synchronous mode).
   */
  ready(): Ready {
    this.#assertUsable();
    try {
      if (this.#ready.isOut) throw fatal("ready was called twice without advance");
      const ready = this.#ready.take();
      this.#raft.checkInvariants();
      return ready;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /**
   * Tells that everything in the last Ready is persisted and applied. Entries that came, or were
   * overwritten, after that Ready was taken are not affected. Synchronous mode only.
   *
   * @param ready the Ready that is done, as a check; it can be left out.
   * @throws {RaftError} E_FATAL if that Ready, or any, is not out.
   */
  advance(ready?: Ready): void {
    this.#assertUsable();
    try {
      if (!this.#ready.isOut) throw fatal("advance was called without ready");
      if (ready !== undefined && ready !== this.#ready.lastTaken) throw fatal("advance got another Ready");
      this.#ready.advance();
      this.#raft.checkInvariants();
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /**
   * The entries [lo, hi) of the log, stable or not.
   *
   * @throws {RaftError} E_COMPACTED or E_UNAVAILABLE if the log does not have all of them.
   */
  entries(lo: number, hi: number): readonly Entry[] {
    const { log } = this.#raft;
    if (hi > log.lastIndex + 1) {
      throw new RaftError("E_UNAVAILABLE", `entries to ${hi} were asked for, the last is ${log.lastIndex}`);
    }
    const entries = log.slice(lo, hi, Number.POSITIVE_INFINITY);
    if (isEntries(entries)) return entries;
    throw new RaftError("E_COMPACTED", `entry ${lo} was compacted, the first is ${log.firstIndex}`);
  }

  /** Switches between living with etcd 2.x members and not; allowed at any time. */
  setCompat(compat: Compat): void {
    this.#assertUsable();
    this.#raft.setCompat(compat);
  }

  /** Forces the election timeout until the next reset, for replays and tests. */
  setRandomizedElectionTimeout(ticks: number): void {
    this.#raft.randomizedElectionTimeout = ticks;
  }

  /** Everything about this node that an operator may ask for, as a copy. */
  status(): Status {
    return readStatus(this.#raft);
  }

  #propose(type: EntryType, data: readonly Uint8Array[]): ProposeResult {
    this.#assertUsable();
    const raft = this.#raft;
    try {
      const isLeader = raft.role === Role.Leader;
      const index = isLeader ? raft.log.lastIndex + 1 : 0;
      const term = isLeader ? raft.term : 0;
      const entries: Entry[] = [];
      for (let i = 0; i < data.length; i++) {
        const bytes = data[i]!;
        entries.push({
          term,
          index: isLeader ? index + i : 0,
          type,
          data: bytes.length === 0 ? null : bytes,
        });
      }
      const isAccepted = isLeader ? proposeEntries(raft, entries) : this.#forward(entries);
      raft.checkInvariants();
      if (!isAccepted) return { ok: false, code: "E_PROPOSAL_DROPPED", lead: raft.lead };
      return isLeader ? { ok: true, forwarded: false, index, term } : FORWARDED;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  #forward(entries: readonly Entry[]): boolean {
    const message = new Message(MessageType.Prop, NONE, this.id);
    message.entries = entries;
    return this.#raft.step(message);
  }

  #stepLocal(message: Message): boolean {
    this.#assertUsable();
    try {
      const isAccepted = this.#raft.step(message);
      this.#raft.checkInvariants();
      return isAccepted;
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  #assertUsable(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(cause: unknown): RaftError {
    const isFatal = cause instanceof RaftError && cause.code === "E_FATAL";
    this.#failure = isFatal
      ? cause
      : fatal("the node has failed: its storage or an assertion threw", { cause });
    return this.#failure;
  }
}
