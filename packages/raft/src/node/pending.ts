// Proposals that are in the log and not decided: matched by index and term when entries are applied.
// Whatever is at an index when it is applied is final (raft paper §5.3).

import { RaftError } from "../errors.ts";
import type { Entry } from "../types.ts";
import { unknownOutcome, type Applied, type AwaitedProposal } from "./proposal.ts";

interface Place {
  readonly term: number;
  readonly proposal: AwaitedProposal;
}

/** Awaited proposals by index. An index can have several, of different terms; at most one is committed. */
export class Pending {
  readonly #places = new Map<number, Place[]>();

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  add(index: number, term: number, proposal: AwaitedProposal): void {
    const places = this.#places.get(index);
    if (places === undefined) this.#places.set(index, [{ term, proposal }]);
    else places.push({ term, proposal });
  }

  /** Decides what was proposed at the index of an applied entry. */
  settle(applied: Applied): void {
    const { entry } = applied;
    const places = this.#places.get(entry.index);
    if (places === undefined) return;
    this.#places.delete(entry.index);
    for (const { term, proposal } of places) {
      if (term === entry.term) proposal.applied(applied);
      else proposal.reject(lost(entry, term));
    }
  }

  /** A snapshot has taken the place of the entries through `index`: what became of them is not known. */
  skipThrough(index: number): void {
    for (const [at, places] of this.#places) {
      if (at > index) continue;
      this.#places.delete(at);
      for (const { proposal } of places) proposal.reject(unknownOutcome("a snapshot covers the entry"));
    }
  }

  /** Hands out everything and forgets it. */
  takeAll(): AwaitedProposal[] {
    const proposals = [...this.#places.values()].flatMap((places) => places.map((place) => place.proposal));
    this.#places.clear();
    return proposals;
  }
}

function lost(entry: Entry, term: number): RaftError {
  return new RaftError(
    "E_LOST",
    `the entry of term ${term} at ${entry.index} was replaced by one of term ${entry.term}`,
  );
}
