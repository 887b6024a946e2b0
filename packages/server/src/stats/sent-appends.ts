// How long handing appends to the network takes, per member and way, for /metrics (operations.md §2).

import type { NodeId } from "@kv/raft";
import type { SendingType } from "@kv/rafthttp";
import { fastHistogram, type DurationHistogram } from "../metrics.ts";

/** The appends to one member by one way. */
export interface SentAppends {
  readonly to: NodeId;
  readonly sendingType: SendingType;
  readonly durations: DurationHistogram;
  readonly failedCount: number;
}

interface Counts {
  readonly durations: DurationHistogram;
  failedCount: number;
}

type CountsByType = Readonly<Record<SendingType, Counts>>;

/** Hot path: `succeeded`. */
export class SentAppendsRecorder {
  readonly #members = new Map<NodeId, CountsByType>();

  succeeded(to: NodeId, sendingType: SendingType, durationMs: number): void {
    this.#of(to)[sendingType].durations.observe(durationMs / 1_000);
  }

  failed(to: NodeId, sendingType: SendingType): void {
    this.#of(to)[sendingType].failedCount++;
  }

  /** One for each member and way. */
  list(): readonly SentAppends[] {
    return [...this.#members].flatMap(([to, { msgappv2, message, pipeline }]) => [
      { to, sendingType: "msgappv2", ...msgappv2 } as const,
      { to, sendingType: "message", ...message } as const,
      { to, sendingType: "pipeline", ...pipeline } as const,
    ]);
  }

  #of(to: NodeId): CountsByType {
    let counts = this.#members.get(to);
    if (counts === undefined) {
      counts = { msgappv2: newCounts(), message: newCounts(), pipeline: newCounts() };
      this.#members.set(to, counts);
    }
    return counts;
  }
}

function newCounts(): Counts {
  return { durations: fastHistogram(), failedCount: 0 };
}
