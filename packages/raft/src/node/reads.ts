// Linearizable reads without a log entry. All reads of one turn share one request; an answer that
// does not come is asked for again under a new name, because the core never repeats a request.
// Raft paper §8; Spec: raft.md §11, §16.3.

import type { RaftError } from "../errors.ts";
import type { RawNode } from "../raw-node.ts";
import type { ReadState } from "../read-only.ts";
import { NONE } from "../types.ts";
import type { Waiter } from "./waiter.ts";

interface ReadRequest {
  /** Differs from all others, also from those of an earlier life of this node. */
  name: string;
  readonly waiters: Waiter<number>[];
  waitedTicks: number;
  /** Where the read may be served, once known. */
  index: number | null;
}

/** Reads that wait for the leader's word, and then for the state machine. */
export class Reads {
  readonly #retryTicks: number;
  readonly #life: number;
  #requestCount = 0;
  #next: Waiter<number>[] = [];
  #requests: ReadRequest[] = [];

  /**
   * @param life a random number that tells this life of the node from earlier ones.
   * @param retryTicks how long to wait for an answer.
   */
  constructor(life: number, retryTicks: number) {
    this.#life = life;
    this.#retryTicks = retryTicks;
  }

  add(waiter: Waiter<number>): void {
    this.#next.push(waiter);
  }

  /** Sends the reads of this turn, if there is a leader to ask. */
  flush(raft: RawNode): void {
    if (this.#next.length === 0 || raft.lead === NONE) return;
    const request: ReadRequest = { name: "", waiters: this.#next, waitedTicks: 0, index: null };
    this.#next = [];
    this.#requests.push(request);
    this.#ask(raft, request);
  }

  /** Asks again for what was not answered in time. */
  tick(raft: RawNode, tickCount: number): void {
    for (const request of this.#requests) {
      if (request.index !== null) continue;
      request.waitedTicks += tickCount;
      if (request.waitedTicks >= this.#retryTicks && raft.lead !== NONE) this.#ask(raft, request);
    }
  }

  /** Takes the answers of a Ready. */
  answer(states: readonly ReadState[]): void {
    for (const { index, context } of states) {
      const name = new TextDecoder().decode(context);
      const request = this.#requests.find((one) => one.name === name);
      if (request !== undefined) request.index = index;
    }
  }

  /** Resolves the reads that the state machine has caught up with. */
  settle(applied: number): void {
    if (this.#requests.length === 0) return;
    this.#requests = this.#requests.filter((request) => {
      if (request.waiters.every((waiter) => waiter.isSettled)) return false;
      if (request.index === null || request.index > applied) return true;
      for (const waiter of request.waiters) waiter.resolve(request.index);
      return false;
    });
  }

  rejectAll(error: RaftError): void {
    for (const waiter of this.#next) waiter.reject(error);
    for (const { waiters } of this.#requests) for (const waiter of waiters) waiter.reject(error);
    this.#next = [];
    this.#requests = [];
  }

  #ask(raft: RawNode, request: ReadRequest): void {
    request.name = `${this.#life}/${++this.#requestCount}`;
    request.waitedTicks = 0;
    raft.readIndex(new TextEncoder().encode(request.name));
  }
}
