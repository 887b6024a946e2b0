// What the application must do next: persist, send, apply. A Ready is a snapshot of what has
// gathered in the core; nothing in it changes afterwards. Raft paper §5; Spec: raft.md §13. Hot path.

import { entriesSizeBytes } from "./entry-size.ts";
import { Message, MessageType } from "./message.ts";
import type { Raft } from "./raft.ts";
import type { ReadState } from "./read-only.ts";
import {
  EMPTY_HARD_STATE,
  type Entry,
  type HardState,
  type NodeId,
  type Role,
  type Snapshot,
  type SoftState,
} from "./types.ts";

/** In async mode the sender of storage responses. No id on the wire can be equal to it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- deliberately no id of a member
export const APPEND_WORKER: NodeId = "append" as NodeId;
/** In async mode the sender of apply responses. No id on the wire can be equal to it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- deliberately no id of a member
export const APPLY_WORKER: NodeId = "apply" as NodeId;

/**
 * One piece of work for the append worker (async mode).
 *
 * When everything in it is durable, deliver `responses` in order: those to this node are stepped, the
 * others are sent.
 */
export interface AppendRequest {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly responses: readonly Message[];
}

/** One piece of work for the apply worker (async mode): apply `entries`, then step `response`. */
export interface ApplyRequest {
  readonly entries: readonly Entry[];
  readonly response: Message;
}

/**
 * What has to be done, in this order: persist `snapshot`, `entries` and `hardState`; send `messages`;
 * install `snapshot`; apply `committedEntries`; `advance`.
 *
 * - A leader may send App, Heartbeat, Snap and all requests before or while it persists. AppResp,
 *   VoteResp and PreVoteResp are promises and must wait (raft.md §13.2).
 * - Committed entries that are durable already are those with an index below `entries[0].index`; they
 *   may be applied while the rest is being written. The others are both in `entries` and in
 *   `committedEntries` and must be written first.
 */
export interface Ready {
  /** Only if it changed. */
  readonly softState: SoftState | null;
  /** Only if it changed. */
  readonly hardState: HardState | null;
  /** To persist; they replace whatever storage has at their first index and above. */
  readonly entries: readonly Entry[];
  /** To persist, and to install in the state machine before anything is applied. */
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  /** To send, in order: first those that may leave at once, then those that wait for the disk. */
  readonly messages: readonly Message[];
  readonly readStates: readonly ReadState[];
  /**
   * Whether entries, term and vote must be durable before the promises in `messages` leave and before
   * `advance`; a commit index alone may be written lazily. A snapshot must be durable in any case.
   */
  readonly mustSync: boolean;
  /** Async mode only: what the append worker has to do. `messages` then holds what may leave at once. */
  readonly appendRequest: AppendRequest | null;
  /** Async mode only: what the apply worker has to do. */
  readonly applyRequest: ApplyRequest | null;
}

const NO_MESSAGES: readonly Message[] = Object.freeze([]);
const NO_READ_STATES: readonly ReadState[] = Object.freeze([]);

/** Builds one Ready after the other from the state of a node. */
export class ReadySource {
  readonly #raft: Raft;
  readonly #isAsync: boolean;
  #role: Role;
  #lead: NodeId;
  #hardState: HardState;
  /** The Ready that was taken last. */
  lastTaken: Ready | null = null;
  // What advance steps; null when no Ready is out.
  #stepsOnAdvance: Message[] | null = null;

  constructor(raft: Raft) {
    this.#raft = raft;
    this.#isAsync = raft.options.asyncStorageWrites;
    this.#role = raft.role;
    this.#lead = raft.lead;
    // Term and vote as they are stored: if the node had to start in a later term, that is to be saved.
    const { term, vote } = raft.options.storage.initialState().hardState;
    this.#hardState = { term, vote, commit: raft.log.committed };
  }

  /** Whether a Ready was taken and not advanced yet. Always false in async mode. */
  get isOut(): boolean {
    return this.#stepsOnAdvance !== null;
  }

  /** Makes the next Ready carry the hard state, as if nothing had ever been persisted. */
  forgetHardState(): void {
    this.#hardState = EMPTY_HARD_STATE;
  }

  /** Whether `take` would carry anything. */
  hasReady(): boolean {
    const raft = this.#raft;
    const { unstable } = raft.log;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      unstable.hasNextEntries() ||
      raft.log.hasNextCommitted(!this.#isAsync) ||
      this.#hasHardStateChanged() ||
      raft.role !== this.#role ||
      raft.lead !== this.#lead ||
      unstable.nextSnapshot() !== null ||
      raft.readStates.length > 0
    );
  }

  /** Takes everything that has gathered and marks it as handed out. */
  take(): Ready {
    const raft = this.#raft;
    const { log } = raft;
    const entries = log.unstable.nextEntries();
    const snapshot = log.unstable.nextSnapshot();
    const committedEntries = log.nextCommitted(!this.#isAsync);
    const mustSync =
      entries.length > 0 || raft.term !== this.#hardState.term || raft.vote !== this.#hardState.vote;
    const softState = this.#takeSoftState();
    const hardState = this.#takeHardState();
    const immediate = raft.messages;
    const waiting = raft.messagesAfterAppend;
    const readStates = raft.readStates.length === 0 ? NO_READ_STATES : raft.readStates;
    // What comes next must not get into arrays that were given out.
    if (immediate.length > 0) raft.messages = [];
    if (waiting.length > 0) raft.messagesAfterAppend = [];
    if (readStates.length > 0) raft.readStates = [];

    let messages: readonly Message[] = immediate.length === 0 ? NO_MESSAGES : immediate;
    let appendRequest: AppendRequest | null = null;
    let applyRequest: ApplyRequest | null = null;
    if (this.#isAsync) {
      appendRequest = this.#appendRequest(hardState, entries, snapshot, waiting);
      if (committedEntries.length > 0) {
        applyRequest = { entries: committedEntries, response: this.#applyResponse(committedEntries) };
      }
    } else {
      messages = this.#scheduleAdvance(messages, waiting, snapshot, committedEntries);
    }

    log.unstable.acceptInProgress();
    const lastCommitted = committedEntries.at(-1);
    if (lastCommitted !== undefined) {
      log.acceptApplying(lastCommitted.index, entriesSizeBytes(committedEntries), !this.#isAsync);
    }
    const ready: Ready = {
      softState,
      hardState,
      entries,
      snapshot,
      committedEntries,
      messages,
      readStates,
      mustSync,
      appendRequest,
      applyRequest,
    };
    this.lastTaken = ready;
    return ready;
  }

  /** Tells the core that everything in the last Ready is done. */
  advance(): void {
    const steps = this.#stepsOnAdvance ?? NO_MESSAGES;
    this.#stepsOnAdvance = null;
    this.lastTaken = null;
    for (const message of steps) this.#raft.step(message);
  }

  /** Splits what waits for the disk into what is sent after it and what is stepped by `advance`. */
  #scheduleAdvance(
    immediate: readonly Message[],
    waiting: readonly Message[],
    snapshot: Snapshot | null,
    committedEntries: readonly Entry[],
  ): readonly Message[] {
    const steps: Message[] = [];
    let toPeers: Message[] | null = null;
    for (const message of waiting) {
      if (message.to === this.#raft.id) steps.push(message);
      else if (toPeers === null) toPeers = [message];
      else toPeers.push(message);
    }
    if (this.#isAppendResponseNeeded(snapshot)) steps.push(this.#appendResponse(snapshot));
    if (committedEntries.length > 0) steps.push(this.#applyResponse(committedEntries));
    this.#stepsOnAdvance = steps;
    if (toPeers === null) return immediate;
    return immediate.length === 0 ? toPeers : immediate.concat(toPeers);
  }

  #appendRequest(
    hardState: HardState | null,
    entries: readonly Entry[],
    snapshot: Snapshot | null,
    waiting: readonly Message[],
  ): AppendRequest | null {
    if (hardState === null && entries.length === 0 && snapshot === null && waiting.length === 0) return null;
    const isResponseNeeded = this.#isAppendResponseNeeded(snapshot);
    const responses = isResponseNeeded ? [...waiting, this.#appendResponse(snapshot)] : [...waiting];
    return { hardState, entries, snapshot, responses };
  }

  #isAppendResponseNeeded(snapshot: Snapshot | null): boolean {
    return this.#raft.log.unstable.length > 0 || snapshot !== null;
  }

  /** Reports as stable what is in the log now, unless the term has changed until then. */
  #appendResponse(snapshot: Snapshot | null): Message {
    const raft = this.#raft;
    const response = new Message(MessageType.StorageAppendResp, raft.id, APPEND_WORKER, raft.term);
    if (raft.log.unstable.length > 0) {
      response.index = raft.log.lastIndex;
      response.logTerm = raft.log.lastTerm;
    }
    if (snapshot !== null) response.snapshot = snapshot;
    return response;
  }

  #applyResponse(entries: readonly Entry[]): Message {
    const response = new Message(MessageType.StorageApplyResp, this.#raft.id, APPLY_WORKER);
    response.entries = entries;
    return response;
  }

  #takeSoftState(): SoftState | null {
    const { role, lead } = this.#raft;
    if (role === this.#role && lead === this.#lead) return null;
    this.#role = role;
    this.#lead = lead;
    return { role, lead };
  }

  #takeHardState(): HardState | null {
    if (!this.#hasHardStateChanged()) return null;
    const { term, vote, log } = this.#raft;
    this.#hardState = { term, vote, commit: log.committed };
    return this.#hardState;
  }

  #hasHardStateChanged(): boolean {
    const { term, vote, log } = this.#raft;
    const { commit } = this.#hardState;
    return log.committed !== commit || term !== this.#hardState.term || vote !== this.#hardState.vote;
  }
}
