// What must hold in every execution, checked at each step from what the nodes do: what they write, what
// they send, what they commit and apply. Raft paper, figure 3; architecture §7.
//
// A log is known by digests: that of (index, term) covers the entry and everything before it.

import { MessageType, type Message } from "../message.ts";
import type { SaveBatch } from "../node/index.ts";
import { Role, type ConfState, type Entry, type NodeId } from "../types.ts";
import type { DiskImage } from "./disk-image.ts";
import type { World } from "./world.ts";

/** Terms stay below this in a simulation, so that (index, term) is one number. */
const TERM_LIMIT = 2 ** 20;

/** What the rules need to know about a member. */
export interface Observed {
  readonly id: NodeId;
  /** What would survive a power cut. */
  readonly image: DiskImage;
}

// The log that a node has asked its disk to keep, by index: terms and digests.
interface WrittenLog {
  base: number;
  readonly terms: number[];
  readonly digests: number[];
}

/** Watches all members over their whole history and reports the first rule that is broken. */
export class Invariants {
  readonly #world: World;
  readonly #images = new Map<NodeId, DiskImage>();
  readonly #logs = new Map<NodeId, WrittenLog>();
  readonly #digests = new Map<number, number>();
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  readonly #applied = new Map<number, number>();
  readonly #configurations = new Map<number, string>();
  readonly #bootstrapCount: number;
  #commit: { readonly index: number; readonly term: number };

  /** @param bootstrapCount entries that every member starts with, committed. */
  constructor(world: World, bootstrapCount: number) {
    this.#world = world;
    this.#bootstrapCount = bootstrapCount;
    this.#commit = { index: bootstrapCount, term: 1 };
  }

  /** The highest index that is known to be committed. */
  get commitIndex(): number {
    return this.#commit.index;
  }

  watch({ id, image }: Observed): void {
    this.#images.set(id, image);
    this.#logs.set(id, { base: 0, terms: [1], digests: [0] });
  }

  /** A disk has been opened again after a crash: what was not durable is forgotten. */
  reopened(id: NodeId, image: DiskImage): void {
    const { index, term } = image.snapshot.meta;
    const log = this.#startLog(id, index, term);
    for (let at = index + 1; at <= image.lastIndex; at++) {
      const entryTerm = image.term(at) ?? 0;
      log.terms.push(entryTerm);
      log.digests.push(this.#digests.get(placeOf(at, entryTerm)) ?? 0);
    }
  }

  /** Log matching: entries of the same index and term have the same log before them. */
  saved(id: NodeId, { snapshot, entries }: SaveBatch): void {
    if (snapshot !== null) this.#startLog(id, snapshot.meta.index, snapshot.meta.term);
    const log = this.#logs.get(id);
    const first = entries[0];
    if (log === undefined || first === undefined) return;
    const count = first.index - log.base;
    log.terms.length = Math.min(log.terms.length, count);
    log.digests.length = log.terms.length;
    for (const entry of entries) {
      const digest = digestOf(entry, log.digests.at(-1) ?? 0);
      const place = placeOf(entry.index, entry.term);
      const known = this.#digests.get(place);
      if (known === undefined) this.#digests.set(place, digest);
      else if (known !== digest) {
        this.#world.violate(
          "log-matching",
          `${id} has another log up to ${entry.index} of term ${entry.term}`,
        );
      }
      log.terms.push(entry.term);
      log.digests.push(digest);
    }
  }

  /** Election safety, and leader completeness as far as the log of the new leader was written. */
  leads(id: NodeId, term: number, lastIndex: number): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) {
      this.#world.violate("election-safety", `${other} and ${id} lead in term ${term}`);
    }
    this.#leaders.set(term, id);
    const { index, term: commitTerm } = this.#commit;
    if (term <= commitTerm) return;
    const log = this.#logs.get(id);
    const written = log === undefined || index < log.base ? commitTerm : log.terms[index - log.base];
    if (lastIndex < index || (written !== undefined && written !== commitTerm)) {
      this.#world.violate(
        "leader-completeness",
        `${id} leads in term ${term} without committed entry ${index}`,
      );
    }
  }

  /** Nothing leaves that promises what is not durable; no two votes in a term. raft.md §13.4. */
  sent(id: NodeId, message: Message): void {
    const { type, term, to, index, reject } = message;
    const image = this.#images.get(id);
    if (image === undefined || (type !== MessageType.VoteResp && type !== MessageType.AppResp)) return;
    const { hardState } = image;
    const early = (what: string): void =>
      this.#world.violate("durable-before-sent", `${id} promises ${what} to ${to} before it is durable`);
    if (hardState.term < term) early(`term ${term}`);
    if (reject || hardState.term > term) return;
    if (type === MessageType.AppResp) {
      if (image.lastIndex < index) early(`entry ${index}`);
      return;
    }
    if (hardState.vote !== to) early(`its vote in term ${term}`);
    const earlier = this.#votes.get(`${id}/${term}`);
    if (earlier !== undefined && earlier !== to) {
      this.#world.violate("one-vote", `${id} votes for ${earlier} and ${to} in term ${term}`);
    }
    this.#votes.set(`${id}/${term}`, to);
  }

  /** Commit evidence: what a leader commits is durable at a quorum; nobody is ahead of the leaders. */
  committed(id: NodeId, commit: number, role: Role, term: number, confState: ConfState): void {
    if (commit <= this.#commit.index) return;
    if (role !== Role.Leader) {
      this.#world.violate("commit-evidence", `${id} commits ${commit}, no leader has yet`);
      return;
    }
    const { voters, votersOutgoing } = confState;
    if (!this.#isStored(voters, commit, term) || !this.#isStored(votersOutgoing, commit, term)) {
      this.#world.violate("commit-evidence", `${id} commits ${commit}, which no quorum has on disk`);
    }
    if (!this.#images.get(id)?.has(commit, term)) this.#world.coverage.count("commitWithoutLeaderDisk");
    this.#commit = { index: commit, term };
  }

  /** State machine safety: all apply the same entry at an index, and only what is committed. */
  applied(id: NodeId, entry: Entry): void {
    const { index } = entry;
    if (index > this.#commit.index) {
      this.#world.violate("state-machine-safety", `${id} applies ${index}, which is not committed`);
    }
    const digest = digestOf(entry, 0);
    const known = this.#applied.get(index);
    if (known === undefined) this.#applied.set(index, digest);
    else if (known !== digest) {
      this.#world.violate("state-machine-safety", `${id} applies another entry at ${index}`);
    }
  }

  /** The configuration as of an index is the same everywhere, once a new member has all members of the bootstrap. */
  configured(id: NodeId, index: number, confState: ConfState): void {
    if (index < this.#bootstrapCount) return;
    const text = JSON.stringify(confState);
    const known = this.#configurations.get(index);
    if (known === undefined) this.#configurations.set(index, text);
    else if (known !== text) {
      this.#world.violate("configuration", `${id} has ${text} at ${index}, others ${known}`);
    }
  }

  #startLog(id: NodeId, index: number, term: number): WrittenLog {
    const digest = index === 0 ? 0 : (this.#digests.get(placeOf(index, term)) ?? null);
    if (digest === null) {
      this.#world.violate(
        "log-matching",
        `${id} has a snapshot at ${index} of term ${term}, no log has that`,
      );
    }
    const log: WrittenLog = { base: index, terms: [term], digests: [digest ?? 0] };
    this.#logs.set(id, log);
    return log;
  }

  #isStored(voters: readonly NodeId[], index: number, term: number): boolean {
    if (voters.length === 0) return true;
    const count = voters.filter((voter) => this.#images.get(voter)?.has(index, term)).length;
    return count > voters.length / 2;
  }
}

function placeOf(index: number, term: number): number {
  return index * TERM_LIMIT + term;
}

function digestOf(entry: Entry, previous: number): number {
  let hash = Math.imul(previous ^ entry.term, 0x0100_0193) ^ (entry.type + 1);
  const { data } = entry;
  if (data !== null) for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i]!, 0x0100_0193);
  return Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b) >>> 0;
}
