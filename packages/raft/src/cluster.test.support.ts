// Nodes for tests: built in one line, driven by hand, connected by a network that loses what it is
// told to lose. Time is ticks; the election timeout is forced. Not part of the public surface.

import { decodeConfChange, decodeConfChangeV2 } from "./codec/index.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { Message, MessageType } from "./message.ts";
import type { RaftOptions } from "./options.ts";
import { RawNode } from "./raw-node.ts";
import type { Ready } from "./ready.ts";
import {
  EMPTY_CONF_STATE,
  EntryType,
  NONE,
  type ConfState,
  type Entry,
  type NodeId,
  type Snapshot,
} from "./types.ts";

/** Brands a string that a test states to be an id. */
export function id(text: string): NodeId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- tests write ids as literals
  return text as NodeId;
}

/** How a node of a test begins. Entries start at index 1; the configuration is in a snapshot at index 0. */
export interface NodeSetup extends Partial<Omit<RaftOptions, "id" | "storage">> {
  readonly id?: string;
  readonly voters?: readonly string[];
  readonly learners?: readonly string[];
  /** The log, as the terms of its entries. */
  readonly log?: readonly number[];
  readonly term?: number;
  readonly vote?: string;
  readonly commit?: number;
  /** Replaces `MemoryStorage` by something built around it. */
  readonly wrap?: (storage: MemoryStorage) => RaftOptions["storage"];
  /** Goes on with the storage of an earlier node, which is what a restart does. */
  readonly restartFrom?: MemoryStorage;
}

/** A storage whose first configuration needs no snapshot. */
export class TestStorage extends MemoryStorage {
  readonly #confState: ConfState;

  constructor(confState: ConfState) {
    super();
    this.#confState = confState;
  }

  override initialState(): ReturnType<MemoryStorage["initialState"]> {
    const state = super.initialState();
    return super.snapshot().meta.index > 0 ? state : { ...state, confState: this.#confState };
  }
}

/** A node with its storage, and everything it has sent and applied so far. */
export class TestNode {
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  readonly raw: RawNode;
  readonly sent: Message[] = [];
  readonly applied: Entry[] = [];

  constructor(setup: NodeSetup = {}) {
    const { voters = ["1", "2", "3"], learners = [], log = [], term, vote, commit, ...others } = setup;
    const { wrap, restartFrom, ...options } = others;
    this.id = id(setup.id ?? "1");
    this.storage =
      restartFrom ??
      new TestStorage({
        ...EMPTY_CONF_STATE,
        voters: voters.map(id),
        learners: learners.map(id),
      });
    if (restartFrom === undefined) {
      this.storage.append(entriesOf(log));
      const lastTerm = log.at(-1) ?? 0;
      this.storage.setHardState({ term: term ?? lastTerm, vote: id(vote ?? NONE), commit: commit ?? 0 });
    }
    this.raw = new RawNode({
      checkQuorum: false,
      preVote: false,
      stepDownOnRemoval: false,
      random: () => 0,
      ...options,
      id: this.id,
      storage: wrap === undefined ? this.storage : wrap(this.storage),
    });
  }

  /** Takes one Ready, persists and applies it. Messages are collected in `sent`. */
  handle(): Ready {
    const ready = this.raw.ready();
    this.persist(ready);
    for (const entry of ready.committedEntries) this.apply(entry);
    this.raw.advance(ready);
    return ready;
  }

  persist(ready: Ready): void {
    if (ready.snapshot !== null) this.storage.applySnapshot(ready.snapshot);
    if (ready.hardState !== null) this.storage.setHardState(ready.hardState);
    this.storage.append(ready.entries);
    this.sent.push(...ready.messages);
  }

  apply(entry: Entry): void {
    this.applied.push(entry);
    if (entry.type === EntryType.ConfChange) {
      this.raw.applyConfChange(decodeConfChange(entry.data ?? new Uint8Array(0)));
    } else if (entry.type === EntryType.ConfChangeV2) {
      this.raw.applyConfChange(decodeConfChangeV2(entry.data ?? new Uint8Array(0)));
    }
  }

  /** Handles Readys until there is none, and returns what was sent since the last call. */
  drain(): Message[] {
    while (this.raw.hasReady()) this.handle();
    return this.sent.splice(0);
  }

  /** Campaigns and wins with the votes of all others; the messages of the election are dropped. */
  lead(): this {
    this.raw.campaign();
    this.drain();
    const { config, term } = this.raw.status();
    for (const voter of [...config.voters, ...config.votersOutgoing]) {
      if (voter !== this.id) this.raw.step(message(MessageType.VoteResp, { from: voter, to: this.id, term }));
    }
    return this;
  }

  /** The terms of the whole log, unstable entries included. */
  terms(): number[] {
    const { firstIndex, lastIndex } = this.raw.status();
    return this.raw.entries(firstIndex, lastIndex + 1).map((entry) => entry.term);
  }
}

/** Entries from index 1 on with these terms; the data is the index. */
export function entriesOf(terms: readonly number[], first: number = 1): Entry[] {
  return terms.map((term, i) => entryAt(first + i, term, `${first + i}`));
}

export function entryAt(index: number, term: number, text: string = ""): Entry {
  return { term, index, type: EntryType.Normal, data: text === "" ? null : bytes(text) };
}

/** A message with some of its fields set. */
export function message(
  type: MessageType,
  fields: Partial<Omit<Message, "type" | "from" | "to">> & { from?: string; to?: string } = {},
): Message {
  return Object.assign(new Message(type), fields);
}

export function snapshotAt(index: number, term: number, voters: readonly string[]): Snapshot {
  const confState = { ...EMPTY_CONF_STATE, voters: voters.map(id) };
  return { meta: { index, term, confState }, data: bytes(`state at ${index}`) };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Several nodes and the network between them, which delivers in order of sending. */
export class TestCluster {
  readonly nodes: Map<NodeId, TestNode>;
  /** Directed links that lose everything, as "from>to". */
  readonly cut: Set<string> = new Set();

  constructor(nodes: readonly TestNode[]) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
  }

  static of(count: number, setup: NodeSetup = {}): TestCluster {
    const ids = Array.from({ length: count }, (_, i) => `${i + 1}`);
    return new TestCluster(ids.map((one) => new TestNode({ voters: ids, ...setup, id: one })));
  }

  node(text: string): TestNode {
    const node = this.nodes.get(id(text));
    if (node === undefined) throw new Error(`there is no node ${text}`);
    return node;
  }

  isolate(text: string): void {
    for (const other of this.nodes.keys()) {
      if (other !== text) this.cut.add(`${text}>${other}`).add(`${other}>${text}`);
    }
  }

  /** Whether a node is cut off from all others. */
  isDown(one: NodeId): boolean {
    return [...this.nodes.keys()].every((other) => other === one || this.cut.has(`${one}>${other}`));
  }

  heal(): void {
    this.cut.clear();
  }

  /** Delivers messages until nobody sends any more. */
  settle(): void {
    for (let round = 0; round < 1_000; round++) {
      const messages = [...this.nodes.values()].flatMap((node) => node.drain());
      if (messages.length === 0) return;
      for (const one of messages) {
        if (!this.cut.has(`${one.from}>${one.to}`)) this.nodes.get(one.to)?.raw.step(one);
      }
    }
    throw new Error("the cluster does not settle");
  }

  campaign(text: string): void {
    this.node(text).raw.campaign();
    this.settle();
  }

  propose(text: string, data: string): void {
    this.node(text).raw.propose(bytes(data));
    this.settle();
  }
}

/** Numbers that look random and are the same in every run. */
export function pseudoRandom(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % n;
  };
}
