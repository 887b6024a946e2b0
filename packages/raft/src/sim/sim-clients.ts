// Clients of the registers: each does one operation at a time, at a member of its choice, and notes what
// it was told. Who sees no answer stops, and goes on as another client, because the operation may still
// take effect.

import { RaftError } from "../errors.ts";
import type { RaftNode } from "../node/index.ts";
import { CommandKind, encodeCommand, type Command } from "./command.ts";
import type { RegisterFunction, RegisterOperation } from "./history.ts";
import type { OperationPath } from "./plan.ts";
import type { Life } from "./sim-member.ts";
import type { World } from "./world.ts";

const TIMEOUT_MS = 1_500;

const KINDS: Readonly<Record<RegisterFunction, CommandKind>> = {
  write: CommandKind.Write,
  cas: CommandKind.Cas,
  read: CommandKind.Read,
};

/** What a client is to do. `id` is unique, above 0, and becomes the value of a write. */
export interface Request {
  readonly id: number;
  readonly client: number;
  readonly key: number;
  readonly f: RegisterFunction;
  readonly via: OperationPath;
}

export interface ClientOptions {
  readonly world: World;
  /** Confirms that the state of a node may be read. */
  readonly read: (node: RaftNode) => Promise<unknown>;
  /** Whether nodes can confirm reads without a log entry. */
  readonly canConfirmReads: boolean;
}

interface Pending {
  readonly request: Request;
  readonly life: Life;
  readonly call: number;
  readonly arg: RegisterOperation["arg"];
  readonly done: (isOk: boolean) => void;
}

/** All clients of one simulation. */
export class SimClients {
  readonly history: RegisterOperation[] = [];
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  // The last value that anyone saw, for compare-and-swaps that have a chance.
  readonly #lastSeen = new Map<number, number>();
  #renamedCount = 0;
  readonly #names = new Map<number, number>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Starts an operation, unless that client still waits. `done` is told whether there was an answer. */
  start(request: Request, life: Life, done: (isOk: boolean) => void = () => {}): void {
    const { world, canConfirmReads } = this.#options;
    if (this.#pending.has(request.client)) return;
    const { id, key, f, via } = request;
    const expected = this.#lastSeen.get(key) ?? 0;
    const arg = f === "read" ? null : f === "write" ? id : ([expected === 0 ? null : expected, id] as const);
    const pending: Pending = { request, life, arg, call: world.nextMoment(), done };
    this.#pending.set(request.client, pending);
    const command: Command = { id, kind: KINDS[f], key, value: id, expected };
    const isReadThere = f === "read" && (via === "anyone" || via === "claimant");
    if (isReadThere && canConfirmReads) this.#read(pending);
    else if (via === "forward") this.#submit(pending, encodeCommand(command));
    else this.#propose(pending, encodeCommand(command));
  }

  /** A process has ended: its clients hear nothing any more. */
  lost(life: Life): void {
    for (const pending of this.#pending.values()) if (pending.life === life) this.#giveUp(pending);
  }

  /** Reads a register that nothing changes any more. */
  observe(key: number, value: number): void {
    const { world } = this.#options;
    this.#note({ client: -1, key, f: "read", arg: null, call: world.nextMoment() }, value);
  }

  #propose(pending: Pending, data: Uint8Array): void {
    pending.life.node.propose(data, { timeoutMs: TIMEOUT_MS }).then(
      ({ result }) => this.#finish(pending, result),
      (error: unknown) => this.#fail(pending, error),
    );
  }

  #submit(pending: Pending, data: Uint8Array): void {
    const { world } = this.#options;
    const { life, request } = pending;
    const outcome = life.node.submit(data);
    if (outcome !== "ok") {
      world.coverage.count("operationRefused");
      this.#forget(pending);
      return;
    }
    if (life.node.leader !== life.node.id) world.coverage.count("operationForwarded");
    life.waiting.set(request.id, (result) => this.#finish(pending, result));
    world.after(TIMEOUT_MS, () => this.#giveUp(pending));
  }

  #read(pending: Pending): void {
    const { life, request } = pending;
    this.#options.read(life.node).then(
      () => {
        this.#options.world.coverage.count("readConfirmed");
        this.#finish(pending, life.machine.value(request.key));
      },
      (error: unknown) => this.#fail(pending, error),
    );
  }

  #finish(pending: Pending, result: unknown): void {
    const { request, call, arg } = pending;
    if (this.#pending.get(request.client) !== pending) return;
    // Applied before, through another entry: what the result was is not known.
    if (typeof result !== "number" && typeof result !== "boolean") {
      this.#giveUp(pending);
      return;
    }
    const { coverage } = this.#options.world;
    coverage.count("operationDone");
    if (result === false) coverage.count("casFailed");
    if (request.f === "read" && typeof result === "number") this.#lastSeen.set(request.key, result);
    if (request.f !== "read" && result === true) this.#lastSeen.set(request.key, request.id);
    this.#forget(pending);
    this.#note({ client: this.#nameOf(request.client), key: request.key, f: request.f, arg, call }, result);
    pending.done(true);
  }

  #fail(pending: Pending, error: unknown): void {
    if (!(error instanceof RaftError)) throw error;
    if (this.#pending.get(pending.request.client) !== pending) return;
    const { world } = this.#options;
    if (error.code === "E_UNKNOWN") {
      this.#giveUp(pending);
      return;
    }
    if (error.code === "E_LOST") world.coverage.count("operationLost");
    else if (error.code === "E_UNAVAILABLE") world.coverage.count("readTimedOut");
    else world.coverage.count("operationRefused");
    // It has not happened and never will: the history must be possible without it.
    this.#forget(pending);
    pending.done(false);
  }

  #giveUp(pending: Pending): void {
    const { request, call, arg } = pending;
    if (this.#pending.get(request.client) !== pending) return;
    this.#options.world.coverage.count("operationUnknown");
    this.#forget(pending);
    const client = this.#nameOf(request.client);
    this.history.push({ client, key: request.key, f: request.f, arg, call, return: null, out: "unknown" });
    this.#names.set(request.client, 1_000 + this.#renamedCount++);
    pending.done(false);
  }

  #forget({ request, life }: Pending): void {
    this.#pending.delete(request.client);
    life.waiting.delete(request.id);
  }

  #note(operation: Omit<RegisterOperation, "return" | "out">, result: number | boolean): void {
    const out = operation.f === "read" && result === 0 ? null : result;
    this.history.push({ ...operation, return: this.#options.world.nextMoment(), out });
  }

  #nameOf(client: number): number {
    return this.#names.get(client) ?? client;
  }
}
