// `/v2/stats/self`: moved by append traffic and by winning an election only, as etcd's is
// (operations.md §1).

import { NONE, type NodeId } from "@kv/raft";
import type { SelfStats } from "../server-api.ts";
import { RateWindow } from "./rate-window.ts";

/** What this member has sent and received since its start. Times are Unix milliseconds. */
export class SelfRecorder {
  readonly #name: string;
  readonly #id: NodeId;
  readonly #startTimeMs: number;
  readonly #received = new RateWindow();
  readonly #sent = new RateWindow();
  #receivedCount = 0;
  #sentCount = 0;
  #isLeader = false;
  #leader: NodeId = NONE;
  #leaderStartTimeMs: number;

  constructor(name: string, id: NodeId, nowMs: number) {
    this.#name = name;
    this.#id = id;
    this.#startTimeMs = nowMs;
    this.#leaderStartTimeMs = nowMs;
  }

  receivedAppend(leader: NodeId, sizeBytes: number, nowMs: number): void {
    this.#isLeader = false;
    this.#follow(leader, nowMs);
    this.#receivedCount++;
    this.#received.add(nowMs, sizeBytes);
  }

  sentAppend(sizeBytes: number, nowMs: number): void {
    this.becameLeader(nowMs);
    this.#sentCount++;
    this.#sent.add(nowMs, sizeBytes);
  }

  becameLeader(nowMs: number): void {
    if (this.#isLeader) return;
    this.#isLeader = true;
    this.#follow(this.#id, nowMs);
  }

  snapshot(nowMs: number): SelfStats {
    const received = this.#received.rates(nowMs);
    const sent = this.#sent.rates(nowMs);
    return {
      name: this.#name,
      id: this.#id,
      state: this.#isLeader ? "StateLeader" : "StateFollower",
      startTimeMs: this.#startTimeMs,
      leader: this.#leader,
      leaderStartTimeMs: this.#leaderStartTimeMs,
      recvAppendRequestCount: this.#receivedCount,
      recvPackageRate: received.packages,
      recvBandwidthRate: received.bandwidth,
      sendAppendRequestCount: this.#sentCount,
      sendPackageRate: sent.packages,
      sendBandwidthRate: sent.bandwidth,
    };
  }

  #follow(leader: NodeId, nowMs: number): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#leaderStartTimeMs = nowMs;
  }
}
