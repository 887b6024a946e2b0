// Changes of who belongs to the cluster: proposed here, decided when applied (cluster.md §9).

import type { ConfChange, ConfChangeType, NodeId } from "@kv/raft";
import type { ConfChangeOutcome } from "./applier.ts";
import { type IdGenerator, idToHex } from "./id-generator.ts";
import { encodeMemberContext } from "./member.ts";
import { MemberError, type Member } from "./server-api.ts";

export interface MembershipDeps {
  readonly ids: IdGenerator;
  readonly timeoutMs: number;
  readonly submit: (change: ConfChange) => void;
  /** Calls back once after a delay, unless the returned function is called. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
}

/** Proposed configuration changes of this member that wait to be applied. */
export class Membership {
  readonly waiting: Map<string, (outcome: ConfChangeOutcome) => void> = new Map();
  readonly #deps: MembershipDeps;
  #stopped = false;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  /**
   * Proposes a change and waits until it is applied here.
   *
   * @throws {MemberError} why it was refused; `E_TIMEOUT` when its outcome is unknown.
   */
  change(type: ConfChangeType, nodeId: NodeId, member: Member | null): Promise<void> {
    if (this.#stopped) return Promise.reject(stoppedError());
    const suffix = this.#deps.ids.nextSuffix();
    const id = idToHex(this.#deps.ids.high(suffix), suffix % 2 ** 32);
    return new Promise((resolve, reject) => {
      const cancel = this.#deps.after(this.#deps.timeoutMs, () => {
        this.waiting.delete(id);
        reject(new MemberError("E_TIMEOUT", "etcdserver: request timed out"));
      });
      this.waiting.set(id, (outcome) => {
        cancel();
        if (outcome === null) resolve();
        else reject(outcome);
      });
      this.#deps.submit({ id, type, nodeId, context: member === null ? null : encodeMemberContext(member) });
    });
  }

  /** Answers everyone who waits that the server stops. */
  stop(): void {
    this.#stopped = true;
    for (const [id, settle] of this.waiting) {
      this.waiting.delete(id);
      settle(stoppedError());
    }
  }
}

function stoppedError(): MemberError {
  return new MemberError("E_STOPPED", "etcdserver: server stopped");
}
