// One proposal that someone awaits, from the call until its place in the log is decided.

import { RaftError } from "../errors.ts";
import type { ApplyConfChangeResult } from "../raw-node.ts";
import { EntryType, type ConfChange, type ConfChangeV2, type ConfState, type Entry } from "../types.ts";
import type { Clock } from "./clock.ts";
import { Waiter, type WaitOptions } from "./waiter.ts";

/** Where a proposal was committed, and what the state machine answered. */
export interface Proposed {
  readonly index: number;
  readonly result: unknown;
}

/** What came of an entry: the answer of the state machine, and of raft if it was a change of membership. */
export interface Applied {
  readonly entry: Entry;
  readonly result: unknown;
  /** null for a normal entry and for a change that the state machine refused. */
  readonly change: ApplyConfChangeResult | null;
}

/** What has an entry in the log, or will have one. */
export interface AwaitedProposal {
  /** Set when it is handed to raft. From then on its outcome is unknown until its index is applied. */
  isInLog: boolean;
  readonly isSettled: boolean;
  /** Its own entry was applied. */
  applied(applied: Applied): void;
  reject(error: RaftError): void;
}

/** Bytes for the state machine. */
export class DataProposal implements AwaitedProposal {
  readonly data: Uint8Array;
  readonly promise: Promise<Proposed>;
  isInLog = false;
  readonly #waiter: Waiter<Proposed>;

  constructor(data: Uint8Array, clock: Clock, options: WaitOptions) {
    this.data = data;
    this.#waiter = new Waiter(clock, options, () => timeoutError(this));
    this.promise = this.#waiter.promise;
  }

  get isSettled(): boolean {
    return this.#waiter.isSettled;
  }

  applied({ entry, result }: Applied): void {
    this.#waiter.resolve({ index: entry.index, result });
  }

  reject(error: RaftError): void {
    this.#waiter.reject(error);
  }
}

/** A change of membership. */
export class ChangeProposal implements AwaitedProposal {
  readonly change: ConfChange | ConfChangeV2;
  readonly promise: Promise<ConfState>;
  isInLog = false;
  readonly #waiter: Waiter<ConfState>;

  constructor(change: ConfChange | ConfChangeV2, clock: Clock, options: WaitOptions) {
    this.change = change;
    this.#waiter = new Waiter(clock, options, () => timeoutError(this));
    this.promise = this.#waiter.promise;
  }

  get isSettled(): boolean {
    return this.#waiter.isSettled;
  }

  applied({ entry, change }: Applied): void {
    if (change === null) this.reject(new RaftError("E_CONF_CHANGE", refusalOf(entry)));
    else if (change.error !== undefined) this.reject(change.error);
    else this.#waiter.resolve(change.confState);
  }

  reject(error: RaftError): void {
    this.#waiter.reject(error);
  }
}

/** Ends the wait for a proposal: with `error` if raft never saw it, else with E_UNKNOWN, for it may still be committed. */
export function giveUp(proposal: AwaitedProposal, error: RaftError): void {
  proposal.reject(proposal.isInLog ? unknownOutcome("the node stopped", error) : error);
}

/** The error of a proposal that may or may not be committed. */
export function unknownOutcome(reason: string, cause?: unknown): RaftError {
  return new RaftError("E_UNKNOWN", `${reason}; the proposal may still be committed`, { cause });
}

function timeoutError(proposal: AwaitedProposal): RaftError {
  if (proposal.isInLog) return unknownOutcome("timed out");
  return new RaftError("E_PROPOSAL_DROPPED", "timed out without a leader; nothing was proposed");
}

function refusalOf(entry: Entry): string {
  // While a change is under way the leader puts a no-op in the place of the next one.
  if (entry.type === EntryType.Normal) return "another change of membership is under way";
  return "the state machine refused the change";
}
