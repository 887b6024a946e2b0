// The figures of one member: what the transport reports, with the time it happened.

import type { NodeId } from "@kv/raft";
import type { PeerStats, SendingType } from "@kv/rafthttp";
import type { Clock } from "../clock.ts";
import type { FollowerStats, SelfStats } from "../server-api.ts";
import { FollowersRecorder } from "./followers.ts";
import { SelfRecorder } from "./self.ts";
import { SentAppendsRecorder, type SentAppends } from "./sent-appends.ts";

/** `/v2/stats/self` and `/v2/stats/leader` as they grow. Hot path: the methods of `PeerStats`. */
export class Stats implements PeerStats {
  readonly #clock: Clock;
  readonly #self: SelfRecorder;
  readonly #followers = new FollowersRecorder();
  readonly #sent = new SentAppendsRecorder();

  constructor(name: string, id: NodeId, clock: Clock) {
    this.#clock = clock;
    this.#self = new SelfRecorder(name, id, clock.unixMs());
  }

  sentAppend(_to: NodeId, sizeBytes: number): void {
    this.#self.sentAppend(sizeBytes, this.#clock.unixMs());
  }

  receivedAppend(from: NodeId, sizeBytes: number): void {
    this.#self.receivedAppend(from, sizeBytes, this.#clock.unixMs());
  }

  followerSucceeded(id: NodeId, latencyMs: number, sendingType: SendingType): void {
    this.#sent.succeeded(id, sendingType, latencyMs);
    this.#followers.succeeded(id, latencyMs);
  }

  followerFailed(id: NodeId, sendingType: SendingType): void {
    this.#sent.failed(id, sendingType);
    this.#followers.failed(id);
  }

  becameLeader(): void {
    this.#self.becameLeader(this.#clock.unixMs());
  }

  removeFollower(id: NodeId): void {
    this.#followers.remove(id);
  }

  self(): SelfStats {
    return this.#self.snapshot(this.#clock.unixMs());
  }

  followers(): ReadonlyMap<NodeId, FollowerStats> {
    return this.#followers.snapshot();
  }

  sentAppends(): readonly SentAppends[] {
    return this.#sent.list();
  }
}
