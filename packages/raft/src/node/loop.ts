// The one Ready loop (architecture §4). Inputs of a turn are collected and stepped; then each Ready is
// saved, sent and applied. At most one save is in flight, and inputs that come meanwhile make the
// next batch larger, so that one write serves many.
//
//   turn:  messages ─► ticks ─► proposals ─► pass ─► pass … ─► (save in flight, or nothing to do)
//
//   pass:  ready ─► send what promises nothing ─► start the save
//                   ├─ while the disk works: apply what is stable already
//                   └─ when it is durable: memory ─► send the rest ─► apply the rest ─► advance
//
// Hot path.

import { fatal } from "../assert.ts";
import { RaftError } from "../errors.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import type { Message } from "../message.ts";
import type { RawNode } from "../raw-node.ts";
import type { Ready } from "../ready.ts";
import type { Apply } from "./apply.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { EventHub } from "./events.ts";
import { coalesce, countEarly } from "./outbox.ts";
import type { Proposals } from "./proposals.ts";
import { Queue } from "./queue.ts";
import type { Reads } from "./reads.ts";
import { Ticker } from "./ticker.ts";
import type { Transport } from "./transport.ts";

/** Passes without a save in one turn; then sockets are read before the next. */
const MAX_PASSES_PER_TURN = 8;

export interface LoopOptions {
  readonly raft: RawNode;
  readonly memory: MemoryStorage;
  readonly disk: Disk;
  readonly transport: Transport;
  readonly apply: Apply;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly events: EventHub;
  readonly clock: Clock;
  readonly tickMs: number;
  readonly maxDueTicks: number;
  readonly maxQueuedMessages: number;
  /** Called once, when the node fails. */
  readonly onFailed: (error: RaftError) => void;
}

/** `failed` and `stopped` are final. While `stopping`, the pass in flight is finished and nothing else begun. */
export type LoopState = "running" | "stopping" | "stopped" | "failed";

/** Drives one RawNode until it is stopped or fails. */
export class Loop {
  /** Messages that were not processed: queue full, not for this node, or refused by raft. */
  droppedMessageCount = 0;
  readonly #options: LoopOptions;
  readonly #messages: Queue<Message>;
  readonly #ticker: Ticker;
  #state: LoopState = "running";
  #isScheduled = false;
  // The pass whose save is in flight, until it is finished. Never rejects.
  #passInFlight: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#messages = new Queue(options.maxQueuedMessages);
    const { clock, tickMs, maxDueTicks } = options;
    // A tick is not stepped by the timer itself: what the sockets hold goes first.
    this.#ticker = new Ticker({ clock, tickMs, maxDueCount: maxDueTicks, onDue: () => this.schedule() });
    this.schedule();
  }

  get state(): LoopState {
    return this.#state;
  }

  /** Makes a turn happen when the present one of the event loop has read its input. */
  schedule(): void {
    if (this.#isScheduled || this.#state !== "running") return;
    this.#isScheduled = true;
    this.#options.clock.defer(this.#onTurn);
  }

  /** Queues a message of a peer. Whatever is wrong with it, it is only dropped and counted. */
  step(message: Message): void {
    if (this.#state !== "running") return;
    const { raft } = this.#options;
    const isForUs = message.to === raft.id && message.from !== raft.id;
    if (isForUs && this.#messages.push(message)) this.schedule();
    else this.droppedMessageCount++;
  }

  /** Gives raft an input at once. */
  input(give: (raft: RawNode) => void): void {
    if (this.#state !== "running") return;
    try {
      give(this.#options.raft);
      this.schedule();
    } catch (cause) {
      this.fail(cause);
    }
  }

  /** Refuses new input and resolves when the pass in flight is finished. */
  async stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopping";
    this.#ticker.stop();
    await this.#passInFlight;
    if (this.#state === "stopping") this.#state = "stopped";
  }

  /** Ends everything at once: nothing is sent, voted or answered from here on. */
  fail(cause: unknown): RaftError {
    const isFatal = cause instanceof RaftError && cause.code === "E_FATAL";
    const error = isFatal ? cause : fatal("the node has failed", { cause });
    if (this.#state === "failed") return error;
    this.#state = "failed";
    this.#ticker.stop();
    this.#messages.clear();
    this.#options.onFailed(error);
    return error;
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    if (this.#state !== "running") return;
    try {
      this.#stepMessages();
      this.#stepTicks();
      this.#work();
    } catch (cause) {
      this.fail(cause);
    }
  };

  #stepMessages(): void {
    this.#messages.drain(this.#stepMessage);
  }

  readonly #stepMessage = (message: Message): void => {
    if (!this.#options.raft.step(message).ok) this.droppedMessageCount++;
  };

  #stepTicks(): void {
    const dueCount = this.#ticker.takeDue();
    if (dueCount === 0) return;
    this.#options.raft.tick(dueCount);
    this.#options.reads.tick(this.#options.raft, dueCount);
  }

  // Proposals wait for the disk too: they become one batch when it is free.
  #work(): void {
    const { raft, disk, proposals, reads } = this.#options;
    if (disk.isSaving) return;
    proposals.flush(raft);
    reads.flush(raft);
    for (let passes = 0; this.#state === "running" && !disk.isSaving && raft.hasReady(); passes++) {
      if (passes === MAX_PASSES_PER_TURN) {
        this.schedule();
        return;
      }
      this.#pass();
    }
  }

  #pass(): void {
    const { raft, transport, apply, reads } = this.#options;
    const ready = raft.ready();
    this.#announce(ready);
    reads.answer(ready.readStates);
    const { messages, committedEntries } = ready;
    const isSaved = ready.hardState === null && ready.entries.length === 0 && ready.snapshot === null;
    const earlyCount = isSaved ? 0 : countEarly(messages);
    if (earlyCount > 0)
      transport.send(earlyCount === messages.length ? messages : messages.slice(0, earlyCount));
    if (isSaved) {
      this.#finish(ready, 0, 0);
      return;
    }
    // What is applied here was durable before: answers to one batch do not wait for the next to be written.
    const stableCount = countStable(ready);
    this.#save(ready, earlyCount, stableCount);
    apply.entries(committedEntries, 0, stableCount);
  }

  #save(ready: Ready, earlyCount: number, stableCount: number): void {
    const { hardState, entries, snapshot, mustSync } = ready;
    this.#passInFlight = this.#options.disk.save({ hardState, entries, snapshot, mustSync }).then(
      () => this.#onSaved(ready, earlyCount, stableCount),
      (cause) => {
        this.fail(cause);
      },
    );
  }

  #onSaved(ready: Ready, earlyCount: number, stableCount: number): void {
    if (this.#state === "failed") return;
    try {
      this.#finish(ready, earlyCount, stableCount);
      if (this.#state !== "running") return;
      this.#stepMessages();
      this.#work();
    } catch (cause) {
      this.fail(cause);
    }
  }

  // Everything in the Ready is durable.
  #finish(ready: Ready, earlyCount: number, appliedCount: number): void {
    const { raft, memory, transport, apply, reads, events } = this.#options;
    const { hardState, entries, snapshot, committedEntries } = ready;
    if (snapshot !== null) memory.applySnapshot(snapshot);
    if (hardState !== null) memory.setHardState(hardState);
    memory.append(entries);
    const messages = coalesce(ready.messages, earlyCount);
    if (messages.length > 0) transport.send(messages);
    if (snapshot !== null) {
      apply.restore(snapshot);
      events.emit("snapshot", snapshot.meta);
    }
    apply.entries(committedEntries, appliedCount, committedEntries.length);
    raft.advance();
    reads.settle(apply.applied);
  }

  #announce({ softState }: Ready): void {
    if (softState === null) return;
    const { raft, events } = this.#options;
    events.emit("leader", { lead: softState.lead, role: softState.role, term: raft.term });
  }
}

// How many of the committed entries are durable already: those before the ones that are to be saved.
function countStable(ready: Ready): number {
  const { entries, committedEntries, snapshot } = ready;
  if (snapshot !== null) return 0;
  if (entries.length === 0 || committedEntries.length === 0) return committedEntries.length;
  return Math.max(0, Math.min(committedEntries.length, entries[0]!.index - committedEntries[0]!.index));
}
