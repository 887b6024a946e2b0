// The one Ready loop (architecture §4). Inputs of a turn are collected and stepped; then each Ready is
// sent, saved and applied. It has two lanes (raft.md §13.3), so that what is committed is applied and
// answered while the next batch is being written:
//
//   turn:    messages ─► ticks ─► proposals ─► pass ─► pass … ─► nothing to do
//
//   pass:    ready ─► send what promises nothing
//                  ├─► append lane: one save in flight; what gathers meanwhile is the next batch
//                  │      durable ─► memory ─► acknowledgements and votes leave, the own copy counts
//                  └─► apply lane: entries that are committed, and durable here ─► state machine
//
// Hot path.

import { fatal } from "../assert.ts";
import { RaftError } from "../errors.ts";
import type { MemoryStorage } from "../memory-storage.ts";
import type { Message } from "../message.ts";
import type { RawNode } from "../raw-node.ts";
import type { Ready } from "../ready.ts";
import { AppendQueue, type AppendBatch } from "./append-queue.ts";
import type { Apply } from "./apply.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { EventHub } from "./events.ts";
import { coalesce } from "./outbox.ts";
import type { Proposals } from "./proposals.ts";
import { Queue } from "./queue.ts";
import type { Reads } from "./reads.ts";
import type { SaveBatch } from "./storage.ts";
import { Ticker } from "./ticker.ts";
import type { Transport } from "./transport.ts";

/** Passes in one turn; then sockets are read before the next. */
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
  /** Whether reads depend on the clock. */
  readonly isLeaseRead: boolean;
  readonly maxQueuedMessages: number;
  /** Called once, when the node fails. */
  readonly onFailed: (error: RaftError) => void;
}

/** `failed` and `stopped` are final. While `stopping`, the save in flight is finished and nothing else begun. */
export type LoopState = "running" | "stopping" | "stopped" | "failed";

/** Drives one RawNode until it is stopped or fails. */
export class Loop {
  /** Messages that were not processed: queue full, not for this node, or refused by raft. */
  droppedMessageCount = 0;
  readonly #options: LoopOptions;
  readonly #messages: Queue<Message>;
  readonly #appends = new AppendQueue();
  readonly #ticker: Ticker;
  #state: LoopState = "running";
  #isScheduled = false;
  // Nothing was sent to peers in this turn, so nothing waits for its end to leave.
  #isQuiet = true;
  // The save in flight, until what follows from it is done. Never rejects.
  #saveInFlight: Promise<void> = Promise.resolve();

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

  /** Refuses new input and resolves when the save in flight is finished. */
  async stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopping";
    this.#ticker.stop();
    await this.#saveInFlight;
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
    this.#isQuiet = true;
    try {
      this.#passTime();
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
    const outcome = this.#options.raft.step(message);
    if (outcome.ok) return;
    this.droppedMessageCount++;
    if (outcome.code === "E_FORGED") this.#options.events.emit("forged", message);
  };

  // Before anything is read or answered: this process may have stood still.
  #passTime(): void {
    const { raft, isLeaseRead } = this.#options;
    if (isLeaseRead) raft.elapse(this.#ticker.takePassed());
  }

  #stepTicks(): void {
    const dueCount = this.#ticker.takeDue();
    if (dueCount === 0) return;
    this.#options.raft.tick(dueCount);
    this.#options.reads.tick(this.#options.raft, dueCount);
  }

  // Proposals wait for the disk too: they become one batch when it is free.
  #work(): void {
    const { raft, disk, proposals, reads } = this.#options;
    if (!disk.isSaving) proposals.flush(raft);
    reads.flush(raft);
    for (let passes = 0; this.#state === "running" && raft.hasReady(); passes++) {
      if (passes === MAX_PASSES_PER_TURN) {
        this.schedule();
        return;
      }
      this.#pass();
    }
  }

  #pass(): void {
    const { raft, apply, reads } = this.#options;
    const ready = raft.ready();
    this.#announce(ready);
    reads.answer(ready.readStates);
    if (ready.messages.length > 0) this.#send(ready.messages);
    this.#appends.add(ready);
    this.#maybeSave();
    const { applyRequest } = ready;
    if (applyRequest !== null) {
      apply.entries(applyRequest.entries);
      raft.step(applyRequest.response);
    }
    reads.settle(apply.applied);
  }

  #maybeSave(): void {
    const { disk } = this.#options;
    while (!disk.isSaving && !this.#appends.isEmpty) {
      const batch = this.#appends.take(this.#isQuiet);
      if (batch.isWritten) this.#save(batch);
      else this.#deliver(batch.responses);
    }
  }

  #save(batch: AppendBatch): void {
    this.#saveInFlight = this.#options.disk.save(batch.save).then(
      () => this.#onSaved(batch),
      (cause) => {
        this.fail(cause);
      },
    );
  }

  #onSaved({ save, responses }: AppendBatch): void {
    if (this.#state === "failed") return;
    this.#isQuiet = true;
    try {
      this.#passTime();
      this.#remember(save);
      this.#deliver(responses);
      if (this.#state !== "running") return;
      this.#work();
      this.#maybeSave();
    } catch (cause) {
      this.fail(cause);
    }
  }

  // The batch is durable: raft may read it, and a snapshot becomes the state machine.
  #remember({ hardState, entries, snapshot }: SaveBatch): void {
    const { memory, apply, events } = this.#options;
    if (snapshot !== null) memory.applySnapshot(snapshot);
    if (hardState !== null) memory.setHardState(hardState);
    memory.append(entries);
    if (snapshot === null) return;
    apply.restore(snapshot);
    events.emit("snapshot", snapshot.meta);
  }

  #deliver(responses: readonly Message[]): void {
    const { raft } = this.#options;
    const toPeers = coalesce(responses.filter((message) => message.to !== raft.id));
    if (toPeers.length > 0) this.#send(toPeers);
    for (const message of responses) if (message.to === raft.id) raft.step(message);
  }

  #send(messages: readonly Message[]): void {
    this.#isQuiet = false;
    this.#options.transport.send(messages);
  }

  #announce({ softState }: Ready): void {
    if (softState === null) return;
    const { raft, events } = this.#options;
    events.emit("leader", { lead: softState.lead, role: softState.role, term: raft.term });
  }
}
