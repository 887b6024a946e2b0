// Whether a member can be talked to at the moment, and since when.

import type { NodeId } from "@kv/raft";
import type { Clock } from "./clock.ts";
import type { Logger } from "./log.ts";

/** Active after something went well, inactive after something failed; changes are logged. */
export class PeerStatus {
  readonly #id: NodeId;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #activeSince: number | null = null;

  constructor(id: NodeId, clock: Clock, logger: Logger) {
    this.#id = id;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `clock.now()` as of the last change to active, null while inactive. */
  get activeSince(): number | null {
    return this.#activeSince;
  }

  /** Something went well. */
  activate(): void {
    if (this.#activeSince !== null) return;
    this.#activeSince = this.#clock.now();
    this.#logger.info("peer became active", { peer: this.#id });
  }

  /** Something failed; `reason` is for people. */
  deactivate(reason: string): void {
    if (this.#activeSince === null) return;
    this.#activeSince = null;
    this.#logger.info("peer became inactive", { peer: this.#id, reason });
  }
}
