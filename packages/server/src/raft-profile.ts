// Which rules raft follows: all of them while every other member is known to be kv, those of etcd 2.x
// as soon as one is not (raft.md §15.3). What this decides is how elections go, not whether they are
// safe: that no 2.x member ever gets what it misreads is the transport's guarantee.
//
//   members applied ──┐
//   announcements  ───┴─► all others known as kv? ─► modern: pre-votes, and leases against votes
//                                        └── no ──► etcd2

import type { Compat, NodeId } from "@kv/raft";
import type { PeerDialect } from "@kv/rafthttp";
import type { Logger } from "./logger.ts";

export interface RaftProfileDeps {
  readonly logger: Logger;
  /** All members but this one; null while this member has not applied who belongs to the cluster. */
  readonly others: () => readonly NodeId[] | null;
  /** What a member reads as it said last; null if it has said nothing since this start. */
  readonly dialect: (id: NodeId) => PeerDialect | null;
  readonly setCompat: (compat: Compat) => void;
  /** Calls back when this turn's work is done. */
  readonly defer: (callback: () => void) => void;
}

/** The profile of one member's raft. Starts as `etcd2`, which is right in every company. */
export class RaftProfile {
  readonly #deps: RaftProfileDeps;
  #compat: Compat = "etcd2";
  #isScheduled = false;

  constructor(deps: RaftProfileDeps) {
    this.#deps = deps;
  }

  get compat(): Compat {
    return this.#compat;
  }

  /** Who belongs to the cluster, or what is known of them, may have changed. Decides when this turn's work is done. */
  changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#deps.defer(() => {
      this.#isScheduled = false;
      this.#decide();
    });
  }

  #decide(): void {
    const { others, dialect, setCompat, logger } = this.#deps;
    const ids = others();
    const strangers = ids?.filter((id) => dialect(id) !== "kv") ?? [];
    const compat = ids !== null && strangers.length === 0 ? "modern" : "etcd2";
    if (compat === this.#compat) return;
    this.#compat = compat;
    setCompat(compat);
    if (compat === "modern") logger.info("all members are kv: using pre-votes and vote leases");
    else
      logger.info("not all members are known to be kv: following the rules of etcd 2", {
        members: strangers.join(" "),
      });
  }
}
