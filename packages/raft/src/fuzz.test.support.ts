// A hostile network for fuzz.test.ts and scripts/fuzz.mjs: three nodes live on as they can while somebody
// sends them messages that no honest member sends. Nothing here knows what is right; it only knows what
// must never be seen, whatever was sent:
//
//   - an error that is not documented, or a fatal one for another reason than those below
//   - a term, a commit index or a vote that goes back; a committed entry that changes
//   - a refused message that changed something; an applied entry that is out of order
//   - a message to a peer that the codec cannot write
//
// Same seed, same run. Messages from the node itself are left out: the driver drops them.

import { decodeMessage, encodeMessage } from "./codec/index.ts";
import {
  bytes,
  entryAt,
  id,
  message,
  pseudoRandom,
  snapshotAt,
  TestNode,
  type NodeSetup,
} from "./cluster.test.support.ts";
import { RaftError } from "./errors.ts";
import { MessageType, type Message } from "./message.ts";
import type { Status } from "./status.ts";
import { ConfChangeType, EntryType, NONE, type Entry, type NodeId, type Snapshot } from "./types.ts";

const MEMBERS = ["1", "2", "3"];
const STRANGERS = ["9", "8000000000000001", "ffffffffffffffff"];
const TYPES = Object.values(MessageType);
const UNKNOWN_TYPE = 99;
const GIANTS = [2 ** 31, 2 ** 32, 2 ** 53 - 2, Number.MAX_SAFE_INTEGER];
const EVENTS_PER_WORLD = 300;

/** What a peer can make this node fail of (raft.md §17.1, §2.1): README, "Errors". */
const DOCUMENTED_FATALS = [
  /^commit \d+ is above the last index/,
  /^entry \d+ conflicts with a committed entry/,
  /^there is no (term|index) above/,
];

/** What came of the hostile messages of one run, by name. */
export type Outcomes = Map<string, number>;

type Random = (n: number) => number;

/** Sends at least `count` hostile messages, and returns what came of them. @throws {Error} naming seed and message when something forbidden is seen. */
export function fuzz(seed: number, count: number): Outcomes {
  const outcomes: Outcomes = new Map();
  for (let sent = 0, world = 0; sent < count; world++) {
    const random = pseudoRandom(seed * 7_919 + world + 1);
    try {
      sent += new HostileWorld(random, outcomes).run();
    } catch (cause) {
      throw new Error(`seed ${seed}, world ${world}: ${String(cause)}`, { cause });
    }
  }
  return outcomes;
}

/** A node whose application takes damaged changes of membership for none, as the driver does. */
class FuzzedNode extends TestNode {
  override apply(entry: Entry): void {
    try {
      super.apply(entry);
    } catch (error) {
      if (!(error instanceof RaftError) || error.code !== "E_CODEC") throw error;
      this.raw.applyConfChange({ id: "0", type: ConfChangeType.AddNode, nodeId: NONE, context: null });
    }
  }
}

class HostileWorld {
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #setup: NodeSetup;
  readonly #nodes: Map<NodeId, FuzzedNode>;
  /** Of each node, the index of the entry that it applied last. */
  readonly #appliedIndex = new Map<NodeId, number>();
  #inFlight: Message[] = [];
  #hostileCount = 0;

  constructor(random: Random, outcomes: Outcomes) {
    this.#random = random;
    this.#outcomes = outcomes;
    const isSafe = random(2) === 0;
    this.#setup = {
      voters: MEMBERS,
      preVote: isSafe,
      checkQuorum: isSafe,
      stepDownOnRemoval: random(2) === 0,
      compat: random(4) === 0 ? "etcd2" : "modern",
      maxInflightMsgs: 1 + random(4),
      random,
    };
    this.#nodes = new Map(MEMBERS.map((one) => [id(one), new FuzzedNode({ ...this.#setup, id: one })]));
  }

  /** Lives through some hundred events; returns how many of them were hostile messages. */
  run(): number {
    const random = this.#random;
    this.#guard(this.#anyNode(), (node) => node.raw.campaign());
    for (let event = 0; event < EVENTS_PER_WORLD; event++) {
      const kind = random(20);
      if (kind < 3) this.#guard(this.#anyNode(), (node) => node.raw.tick(1 + random(5)));
      else if (kind === 3) this.#guard(this.#anyNode(), (node) => this.#propose(node));
      else if (kind < 8) this.#deliver();
      else this.#sendHostile();
    }
    return this.#hostileCount;
  }

  #propose(node: TestNode): void {
    const { raw, storage } = node;
    const kind = this.#random(8);
    if (kind === 0) {
      raw.proposeConfChange({ id: "0", type: ConfChangeType.AddLearner, nodeId: id("4"), context: null });
    } else if (kind === 1) raw.readIndex(bytes("read"));
    else if (kind === 2) raw.transferLeader(this.#pick(MEMBERS.map(id)));
    else if (
      kind === 3 &&
      raw.applied > storage.snapshot().meta.index &&
      raw.applied <= storage.lastIndex()
    ) {
      storage.createSnapshot(raw.applied, raw.confState, bytes("state"));
      storage.compact(raw.applied);
    } else raw.propose(bytes("data"));
  }

  #deliver(): void {
    const messages = this.#inFlight;
    this.#inFlight = [];
    for (const one of messages) {
      const node = this.#nodes.get(one.to);
      if (node !== undefined) this.#guard(node, () => this.#step(node, one));
    }
  }

  #sendHostile(): void {
    const node = this.#anyNode();
    const forged = this.#damage(this.#forge(node));
    if (forged === null) {
      this.#note("refused by the codec");
      return;
    }
    if (forged.from === node.id) return;
    this.#hostileCount++;
    this.#guard(node, () => this.#note(this.#step(node, forged)), forged);
  }

  /** Steps a message and compares what was there before. */
  #step(node: TestNode, one: Message): string {
    const before = node.raw.status();
    const committed = termAt(node, before.commit);
    const result = node.raw.step(one);
    const after = node.raw.status();
    if (!result.ok) {
      check(JSON.stringify(after) === JSON.stringify(before), "a refused message changes nothing");
      return result.code;
    }
    check(after.term >= before.term, "the term never decreases");
    check(after.commit >= before.commit, "the commit index never decreases");
    const hasKeptVote = after.term > before.term || before.vote === NONE || after.vote === before.vote;
    check(hasKeptVote, "a vote is given once in a term");
    const now = termAt(node, before.commit);
    check(now === null || now === committed, "a committed entry never changes");
    return "taken";
  }

  /** Lets a node do something, and all that follows from it. A node that has failed as documented starts again from its disk. */
  #guard(node: TestNode, act: (node: TestNode) => void, cause: Message | null = null): void {
    try {
      act(node);
      this.#drain(node);
    } catch (error) {
      const isDocumented =
        error instanceof RaftError &&
        error.code === "E_FATAL" &&
        DOCUMENTED_FATALS.some((known) => known.test(error.message));
      if (!isDocumented) throw new Error(`${JSON.stringify(cause)}: ${String(error)}`, { cause: error });
      this.#note("E_FATAL");
      const again = new FuzzedNode({ ...this.#setup, id: node.id, restartFrom: node.storage });
      this.#nodes.set(node.id, again);
      this.#appliedIndex.delete(node.id);
    }
  }

  #drain(node: TestNode): void {
    while (node.raw.hasReady()) {
      const { snapshot, committedEntries } = node.handle();
      if (snapshot !== null) this.#appliedIndex.set(node.id, snapshot.meta.index);
      for (const { index } of committedEntries) {
        const last = this.#appliedIndex.get(node.id) ?? index - 1;
        check(index === last + 1, "entries are applied in order and without gaps");
        this.#appliedIndex.set(node.id, index);
      }
    }
    // Through the codec, as on a wire: it refuses what is no 64-bit number below 2^53.
    for (const one of node.sent.splice(0)) this.#inFlight.push(decodeMessage(encodeMessage(one)));
    node.applied.length = 0;
    checkStatus(node.raw.status());
  }

  /** A message that looks honest in all but some of its fields. */
  #forge(node: TestNode): Message {
    const { term, lastIndex, commit } = node.raw.status();
    const random = this.#random;
    const near = (value: number): number => {
      if (random(8) === 0) return this.#pick(GIANTS);
      return clamp(value + random(5) - 2);
    };
    const honest = this.#inFlight.length > 0 && random(3) === 0 ? this.#pick(this.#inFlight) : null;
    const index = near(lastIndex);
    const forged = message(random(50) === 0 ? (UNKNOWN_TYPE as MessageType) : this.#pick(TYPES));
    Object.assign(forged, honest, {
      type: forged.type,
      from: this.#pick([...MEMBERS, ...MEMBERS, ...STRANGERS, NONE]),
      to: node.id,
      term: random(20) === 0 ? this.#pick(GIANTS) : clamp(term + random(4) - 1),
      logTerm: near(term),
      index,
      commit: random(10) === 0 ? near(lastIndex) : Math.min(commit, random(commit + 1)),
      reject: random(2) === 0,
      rejectHint: near(lastIndex),
    });
    if (honest !== null && random(2) === 0)
      Object.assign(forged, { type: honest.type, entries: honest.entries });
    else if (random(2) === 0) forged.entries = this.#forgeEntries(index, term, near);
    if (random(6) === 0) forged.snapshot = this.#forgeSnapshot(near(lastIndex), near(term));
    if (random(6) === 0)
      forged.context = this.#pick([bytes("CampaignTransfer"), bytes("12345678"), bytes("")]);
    return forged;
  }

  #forgeEntries(index: number, term: number, near: (value: number) => number): Entry[] {
    const random = this.#random;
    return Array.from({ length: random(5) }, (_, i): Entry => {
      const isOdd = random(6) === 0;
      const entry = entryAt(isOdd ? near(index) : clamp(index + 1 + i), isOdd ? near(term) : term, "x");
      if (random(6) > 0) return entry;
      return {
        ...entry,
        type: this.#pick(Object.values(EntryType)),
        data: this.#pick([null, bytes("?"), bytes("")]),
      };
    });
  }

  #forgeSnapshot(index: number, term: number): Snapshot {
    const random = this.#random;
    const { meta, data } = snapshotAt(index, term, MEMBERS.slice(0, random(4)));
    const confState = {
      ...meta.confState,
      learners: random(4) === 0 ? [id("1"), id("4")] : [],
      votersOutgoing: random(4) === 0 ? [id("2")] : [],
      learnersNext: random(4) === 0 ? [id("3")] : [],
      autoLeave: random(4) === 0,
    };
    return { meta: { ...meta, confState }, data };
  }

  /** Sometimes through the wire with damaged bytes; null if the codec refuses them. */
  #damage(forged: Message): Message | null {
    const random = this.#random;
    if (random(4) > 0) return forged;
    try {
      const encoded = encodeMessage(forged);
      for (let i = random(3); i >= 0; i--) encoded[random(encoded.length)] = random(256);
      return Object.assign(decodeMessage(encoded), { to: forged.to });
    } catch (error) {
      if (error instanceof RaftError && (error.code === "E_CODEC" || error.code === "E_U64_RANGE"))
        return null;
      throw error;
    }
  }

  #anyNode(): TestNode {
    return this.#pick([...this.#nodes.values()]);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]!;
  }

  #note(outcome: string): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }
}

function checkStatus(status: Status): void {
  const { applied, commit, lastIndex, term } = status;
  check(applied <= commit && commit <= lastIndex, "applied, commit and last index are in order");
  check(Number.isSafeInteger(term) && Number.isSafeInteger(lastIndex), "terms and indexes are below 2^53");
}

/** The term of an entry; null if it is not in the log any more. */
function termAt(node: TestNode, index: number): number | null {
  const { firstIndex } = node.raw.status();
  return index < firstIndex ? null : node.raw.entries(index, index + 1)[0]!.term;
}

/** What a codec lets through: an index or term. */
function clamp(value: number): number {
  return Math.min(Math.max(0, value), Number.MAX_SAFE_INTEGER);
}

function check(isTrue: boolean, invariant: string): void {
  if (!isTrue) throw new Error(`broken: ${invariant}`);
}
