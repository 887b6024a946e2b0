// What kind of cluster a seed stands for: drawn once, before anything happens.

import type { RaftOptions } from "../options.ts";
import type { RandomStream } from "./random-stream.ts";

/** Whose rules the cluster follows: all that raft has since learned, or only what etcd 2.x understands. */
export type SimProfile = "modern" | "etcd2";

/** The shape of one simulated cluster. */
export interface ClusterShape {
  readonly memberCount: number;
  readonly clientCount: number;
  readonly keyCount: number;
  /** Whether messages travel as bytes. */
  readonly isEncoded: boolean;
  /** Whether messages of a link arrive in order when the weather is fair, as on a stream. */
  readonly isOrdered: boolean;
  readonly raft: Pick<
    RaftOptions,
    | "electionTick"
    | "checkQuorum"
    | "preVote"
    | "compat"
    | "maxInflightMsgs"
    | "maxSizePerMsg"
    | "maxCommittedSizePerReady"
    | "maxUncommittedEntriesSize"
  >;
}

/** Length of a tick of a clock that is right. */
export const TICK_MS = 100;
/** Ticks without a leader until a node campaigns. */
export const ELECTION_TICKS = 10;

/** Draws a cluster. Small limits are likelier than in real life: there the rare paths are. */
export function drawShape(random: RandomStream, profile: SimProfile): ClusterShape {
  return {
    memberCount: random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5]),
    clientCount: random.between(2, 6),
    keyCount: random.between(1, 3),
    isEncoded: random.chance(0.2),
    isOrdered: random.chance(0.6),
    raft: {
      electionTick: ELECTION_TICKS,
      checkQuorum: random.chance(0.6),
      preVote: random.chance(0.6),
      compat: profile,
      maxInflightMsgs: random.pick([1, 2, 8, 256]),
      maxSizePerMsg: random.pick([0, 64, 1024, 1_048_576]),
      maxCommittedSizePerReady: random.pick([1, 64, 1_048_576]),
      maxUncommittedEntriesSize: random.pick([64, 1024, 0]),
    },
  };
}
