// What one process knows of the programs that run as the other members, and the profile that follows from
// it: all of raft's rules while all others are known to be its like. The transport of a real member tells it
// by what connections announce; here by greetings that go where no link is cut.

import type { Compat } from "../options.ts";
import type { ConfState, NodeId } from "../types.ts";

/** What runs as a member: this implementation, or one that knows only etcd 2.x and is not told of others. */
export type Program = "kv" | "etcd2";

/** How often processes greet each other: what a dial and its repetition take. */
export const GREETING_MS = 200;

/** One process among others. */
export class Company {
  readonly program: Program;
  readonly #self: NodeId;
  readonly #heard = new Map<NodeId, Program>();
  #compat: Compat = "etcd2";

  constructor(self: NodeId, program: Program) {
    this.#self = self;
    this.program = program;
  }

  /** The profile as it was decided last. */
  get compat(): Compat {
    return this.#compat;
  }

  /** A greeting of `id` has come. */
  heard(id: NodeId, program: Program): void {
    this.#heard.set(id, program);
  }

  /** Decides again; true if the profile is another one now. */
  decide(members: ConfState): boolean {
    const compat = this.wanted(members);
    if (compat === this.#compat) return false;
    this.#compat = compat;
    return true;
  }

  /** The profile that is right among these members, as far as they were heard. */
  wanted({ voters, learners, votersOutgoing }: ConfState): Compat {
    const all = [...voters, ...learners, ...votersOutgoing];
    if (this.program === "etcd2" || !all.includes(this.#self)) return "etcd2";
    return all.every((id) => id === this.#self || this.#heard.get(id) === "kv") ? "modern" : "etcd2";
  }
}
