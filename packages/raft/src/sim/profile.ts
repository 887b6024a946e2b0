// What kind of cluster a seed stands for: drawn once, before anything happens.

import type { RaftOptions } from "../options.ts";
import type { RandomStream } from "./random-stream.ts";

/**
 * Whose rules the cluster follows: all that raft has since learned (`modern`), or only what etcd 2.x
 * understands (`etcd2`). `lease`: modern, and reads go by the clock. `rolling`: members of both kinds come
 * and go, and each follows the one or the other by what it has heard of the rest.
 */
export type SimProfile = "modern" | "etcd2" | "lease" | "rolling";

/** All profiles, in the order in which seeds take turns. */
export const SIM_PROFILES: readonly SimProfile[] = Object.freeze(["modern", "etcd2", "lease", "rolling"]);

/** The shape of one simulated cluster. */
export interface ClusterShape {
  readonly memberCount: number;
  readonly clientCount: number;
  readonly keyCount: number;
  /** Whether messages travel as bytes. */
  readonly isEncoded: boolean;
  /** Whether messages of a link arrive in order when the weather is fair, as on a stream. */
  readonly isOrdered: boolean;
  /** Whether members are replaced by those that know only etcd 2.x, and back. */
  readonly isRolling: boolean;
  readonly raft: Pick<
    RaftOptions,
    | "electionTick"
    | "checkQuorum"
    | "preVote"
    | "compat"
    | "readOnly"
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
  const isSafeSet = profile === "lease" || profile === "rolling";
  return {
    memberCount: random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5]),
    clientCount: random.between(2, 6),
    keyCount: random.between(1, 3),
    isEncoded: random.chance(0.2),
    isOrdered: random.chance(0.6),
    isRolling: profile === "rolling",
    raft: {
      electionTick: ELECTION_TICKS,
      checkQuorum: random.chance(0.6) || isSafeSet,
      preVote: random.chance(0.6) || profile === "rolling",
      compat: profile === "etcd2" || profile === "rolling" ? "etcd2" : "modern",
      readOnly: profile === "lease" ? "lease" : "safe",
      maxInflightMsgs: random.pick([1, 2, 8, 256]),
      maxSizePerMsg: random.pick([0, 64, 1024, 1_048_576]),
      maxCommittedSizePerReady: random.pick([1, 64, 1_048_576]),
      maxUncommittedEntriesSize: random.pick([64, 1024, 0]),
    },
  };
}
