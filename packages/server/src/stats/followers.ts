// `/v2/stats/leader`: how long handing a message to each follower takes (operations.md §1).

import type { NodeId } from "@kv/raft";
import type { FollowerStats } from "../server-api.ts";

// What etcd shows before the first success: 2^63, which a double holds exactly.
const NO_MINIMUM = 2 ** 63;

class FollowerRecorder {
  #current = 0;
  #average = 0;
  #squareSum = 0;
  #minimum = NO_MINIMUM;
  #maximum = 0;
  #success = 0;
  fail = 0;

  succeeded(durationMs: number): void {
    const total = this.#average * this.#success + durationMs;
    this.#success++;
    this.#current = durationMs;
    this.#average = total / this.#success;
    this.#squareSum += durationMs * durationMs;
    this.#minimum = Math.min(this.#minimum, durationMs);
    this.#maximum = Math.max(this.#maximum, durationMs);
  }

  snapshot(): FollowerStats {
    const meanOfSquares = this.#success === 0 ? 0 : this.#squareSum / this.#success;
    return {
      latency: {
        current: this.#current,
        average: this.#average,
        // Rounding may leave a difference just below zero.
        standardDeviation: Math.sqrt(Math.max(0, meanOfSquares - this.#average * this.#average)),
        minimum: this.#minimum,
        maximum: this.#maximum,
      },
      fail: this.fail,
      success: this.#success,
    };
  }
}

/** Latencies and failures towards each peer. */
export class FollowersRecorder {
  readonly #followers = new Map<NodeId, FollowerRecorder>();

  succeeded(to: NodeId, durationMs: number): void {
    this.#of(to).succeeded(durationMs);
  }

  failed(to: NodeId): void {
    this.#of(to).fail++;
  }

  remove(id: NodeId): void {
    this.#followers.delete(id);
  }

  snapshot(): ReadonlyMap<NodeId, FollowerStats> {
    return new Map([...this.#followers].map(([id, recorder]) => [id, recorder.snapshot()]));
  }

  #of(id: NodeId): FollowerRecorder {
    let recorder = this.#followers.get(id);
    if (recorder === undefined) {
      recorder = new FollowerRecorder();
      this.#followers.set(id, recorder);
    }
    return recorder;
  }
}
