// The state machine of a simulation: registers that are written, compared and read through the log. It
// tells what it applies, and remembers which members were removed.

import { decodeConfChangeV2 } from "../codec/index.ts";
import type { StateMachine } from "../node/index.ts";
import {
  ConfChangeType,
  EntryType,
  NONE,
  type ConfChange,
  type Entry,
  type NodeId,
  type Snapshot,
} from "../types.ts";
import { CommandKind, decodeCommand, type Command } from "./command.ts";

/** The value of a register: 0 is never written and means that there is none. */
export type RegisterValue = number;

/** What a machine tells about itself. */
export interface MachineListener {
  /** An entry has been applied; `command` is null if it has none, `result` if it was applied before. */
  applied(entry: Entry, command: Command | null, result: RegisterValue | boolean | null): void;
  restored(snapshot: Snapshot): void;
}

interface State {
  readonly values: [number, RegisterValue][];
  readonly doneIds: number[];
  readonly removed: NodeId[];
}

/** Registers by number. All members that have applied the same entries have the same `encode()`. */
export class RegisterMachine implements StateMachine {
  readonly #listener: MachineListener;
  #values = new Map<number, RegisterValue>();
  #doneIds = new Set<number>();
  #removed = new Set<NodeId>();

  constructor(listener: MachineListener) {
    this.#listener = listener;
  }

  /** The value of a register; 0 if it was never written. */
  value(key: number): RegisterValue {
    return this.#values.get(key) ?? 0;
  }

  /** Whether a member was removed; its id never comes back. */
  isRemoved(id: NodeId): boolean {
    return this.#removed.has(id);
  }

  apply(entries: readonly Entry[]): readonly unknown[] {
    return entries.map((entry) => {
      if (entry.type === EntryType.ConfChangeV2) this.#noteRemovals(entry);
      const command = decodeCommand(entry.data);
      const result = command === null ? null : this.#execute(command);
      this.#listener.applied(entry, command, result);
      return result;
    });
  }

  applyConfChange(change: ConfChange): ConfChange {
    if (change.type === ConfChangeType.RemoveNode) this.#removed.add(change.nodeId);
    else if (this.#removed.has(change.nodeId)) return { ...change, nodeId: NONE };
    return change;
  }

  restore(snapshot: Snapshot): void {
    this.load(snapshot);
    this.#listener.restored(snapshot);
  }

  /** Takes the state of a snapshot that was there when the node started. */
  load({ data }: Snapshot): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by encode
    const state = JSON.parse(new TextDecoder().decode(data ?? new Uint8Array(0))) as State;
    this.#values = new Map(state.values);
    this.#doneIds = new Set(state.doneIds);
    this.#removed = new Set(state.removed);
  }

  /** Everything, as the data of a snapshot. */
  encode(): Uint8Array {
    const state: State = {
      values: [...this.#values],
      doneIds: [...this.#doneIds],
      removed: [...this.#removed],
    };
    return new TextEncoder().encode(JSON.stringify(state));
  }

  // Nobody asks the machine about changes of this form.
  #noteRemovals({ data }: Entry): void {
    for (const { type, nodeId } of decodeConfChangeV2(data ?? new Uint8Array(0)).changes) {
      if (type === ConfChangeType.RemoveNode) this.#removed.add(nodeId);
    }
  }

  // A message that was repeated by the network may put a command into the log twice.
  #execute({ id, kind, key, value, expected }: Command): RegisterValue | boolean | null {
    if (this.#doneIds.has(id)) return null;
    this.#doneIds.add(id);
    const current = this.value(key);
    if (kind === CommandKind.Read) return current;
    if (kind === CommandKind.Cas && current !== expected) return false;
    this.#values.set(key, value);
    return true;
  }
}
