// A cluster in one thread for the tests of the driver: time moves only by hand, the network delivers
// only what is not cut, and saves settle only when the test says so (or at once).

import { parseNodeId } from "../codec/index.ts";
import type { RaftError } from "../errors.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import type { Message } from "../message.ts";
import type { ConfChange, Entry, NodeId, Snapshot } from "../types.ts";
import { systemClock, type Clock } from "./clock.ts";
import { MemoryStable } from "./memory-stable.ts";
import { runNode, type NodeOptions, type RaftNode } from "./node.ts";
import type { StateMachine } from "./state-machine.ts";
import type { SaveBatch, StableStorage } from "./storage.ts";

export const TICK_MS = 100;

export const text = (data: Uint8Array | null): string =>
  data === null ? "" : new TextDecoder().decode(data);
export const bytes = (data: string): Uint8Array => new TextEncoder().encode(data);

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  time = 0;
  #timers: Timer[] = [];
  #deferred: (() => void)[] = [];

  get hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.time;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** One turn of the event loop behind the timers. */
  runDeferred(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) callback();
  }

  /** Fires what is due, once each: after a stall a timer fires only once. */
  fireTimers(): void {
    const due = this.#timers.filter((timer) => timer.at <= this.time);
    this.#timers = this.#timers.filter((timer) => timer.at > this.time);
    for (const { callback } of due) callback();
  }
}

/** A disk whose saves settle by hand after `hold`, and at once otherwise. */
export class TestDisk implements StableStorage {
  readonly batches: SaveBatch[] = [];
  readonly snapshots: Snapshot[] = [];
  isClosed = false;
  #memory: MemoryStable;
  #isHeld = false;
  #held: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  constructor(memory: MemoryStable = new MemoryStable()) {
    this.#memory = memory;
  }

  get inFlight(): number {
    return this.#held.length;
  }

  async save(batch: SaveBatch): Promise<void> {
    this.batches.push(batch);
    await this.#gate();
    await this.#memory.save(batch);
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    this.snapshots.push(snapshot);
    await this.#gate();
    await this.#memory.saveSnapshot(snapshot);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  /** What survives a crash: everything whose save has settled. */
  load(): MemoryStorage {
    return this.#memory.load();
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    for (const { resolve } of this.#held.splice(0)) resolve();
  }

  /** Lets what is in flight settle and holds the next. */
  releaseOnce(): void {
    for (const { resolve } of this.#held.splice(0)) resolve();
  }

  fail(error: Error): void {
    for (const { reject } of this.#held.splice(0)) reject(error);
  }

  async #gate(): Promise<void> {
    if (!this.#isHeld) return;
    await new Promise<void>((resolve, reject) => this.#held.push({ resolve, reject }));
  }
}

/** Remembers everything that it was given. */
export class LogMachine implements StateMachine {
  entries: Entry[] = [];
  readonly changes: ConfChange[] = [];
  readonly restored: Snapshot[] = [];
  refuse = false;

  /** The data of the entries that have some. */
  get values(): string[] {
    return this.entries.filter(({ data, type }) => type === 0 && data !== null).map(({ data }) => text(data));
  }

  apply(entries: readonly Entry[]): readonly unknown[] {
    this.entries.push(...entries);
    return entries.map(({ data }) => `applied ${text(data)}`);
  }

  applyConfChange(change: ConfChange): ConfChange {
    this.changes.push(change);
    return this.refuse ? { ...change, nodeId: parseNodeId("0") } : change;
  }

  restore(snapshot: Snapshot): void {
    this.restored.push(snapshot);
    this.entries = [];
  }
}

export interface Member {
  readonly id: NodeId;
  readonly node: RaftNode;
  readonly machine: LogMachine;
  readonly disk: TestDisk;
  /** Everything that it has sent. */
  readonly sent: Message[];
  readonly fatal: RaftError[];
}

export class Cluster {
  readonly clock: ManualClock = new ManualClock();
  readonly members: Map<NodeId, Member> = new Map();
  readonly ids: readonly NodeId[];
  readonly #cut = new Set<NodeId>();
  #seed = 1;

  constructor(size: number, options: Partial<NodeOptions> = {}) {
    this.ids = Array.from({ length: size }, (_, i) => parseNodeId(String(i + 1)));
    const bootstrap = this.ids.map((id) => ({ id }));
    for (const id of this.ids) this.start(id, new TestDisk(), { bootstrap, ...options });
  }

  /** Starts a member, or starts it again, from what its disk has. */
  start(id: NodeId, disk: TestDisk, options: Partial<NodeOptions> = {}): Member {
    const machine = new LogMachine();
    const fatal: RaftError[] = [];
    const sent: Message[] = [];
    const node = runNode({
      raft: { id, random: (n) => this.#random(n) },
      memory: disk.load(),
      stable: disk,
      transport: { send: (messages) => this.#send(id, sent, messages) },
      machine,
      clock: this.clock,
      tickMs: TICK_MS,
      onFatal: (error) => fatal.push(error),
      ...options,
    });
    const member = { id, node, machine, disk, sent, fatal };
    this.members.set(id, member);
    return member;
  }

  member(id: string): Member {
    return this.members.get(parseNodeId(id))!;
  }

  get leader(): Member {
    const leaders = [...this.members.values()].filter(({ node }) => node.leader === node.id);
    return leaders.toSorted((a, b) => b.node.term - a.node.term)[0]!;
  }

  followers(): Member[] {
    return [...this.members.values()].filter((member) => member !== this.leader);
  }

  cut(member: Member): void {
    this.#cut.add(member.id);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    do {
      this.clock.runDeferred();
      await new Promise<void>((resolve) => systemClock.defer(resolve));
    } while (this.clock.hasDeferred);
  }

  async tick(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.clock.time += TICK_MS;
      this.clock.fireTimers();
      await this.settle();
    }
  }

  /** Lets member 1, or another one, become leader. */
  async elect(id = "1"): Promise<Member> {
    await this.settle();
    const member = this.member(id);
    member.node.campaign();
    await this.settle();
    return member;
  }

  async stop(): Promise<void> {
    for (const { node, disk } of this.members.values()) {
      disk.release();
      await node.stop();
    }
  }

  #send(from: NodeId, sent: Message[], messages: readonly Message[]): void {
    sent.push(...messages);
    for (const message of messages) {
      if (!this.#cut.has(from) && !this.#cut.has(message.to))
        this.members.get(message.to)?.node.step(message);
    }
  }

  // A fixed sequence, the same in every run.
  #random(n: number): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * n);
  }
}
