// What the driver asks of the network (architecture §6.3).

import type { Message } from "../message.ts";

/** Carries messages to other members. It may lose, repeat and reorder them. */
export interface Transport {
  /** Hands messages over and returns. Must not block, wait or throw; may drop. */
  send(messages: readonly Message[]): void;
}
