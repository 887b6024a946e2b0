// What a node is built with, checked once. Defaults are the safe set. Spec: raft.md §3.

import { RaftError } from "./errors.ts";
import type { Storage } from "./storage.ts";
import type { RaftTrace } from "./trace.ts";
import { NONE, type NodeId } from "./types.ts";

/**
 * Whom the node has to get along with; `etcd2` while any etcd 2.x member is in the cluster. Members may
 * disagree for a while. Under `etcd2` nothing is sent but what `isKnownToEtcd2` says, except answers to a pre-vote.
 */
export type Compat = "modern" | "etcd2";

/** The options of a node; everything that is not required has a default. */
export interface RaftOptions {
  /** The own id, not "0". */
  readonly id: NodeId;
  readonly storage: Storage;
  /** A uniform integer in [0, n). The only source of chance: same numbers, same behaviour. */
  readonly random: (n: number) => number;
  /** Ticks without a leader until a node campaigns, and between two checks of the quorum. Default 10. */
  readonly electionTick?: number;
  /** Ticks between two heartbeats. Default 1. */
  readonly heartbeatTick?: number;
  /** What the state machine already contains; 0 (the default) means: as much as the snapshot. */
  readonly applied?: number;
  /** Encoded bytes of entries in one append; 0 means one entry. Default 1 MiB. */
  readonly maxSizePerMsg?: number;
  /** Appends without an answer per peer. Default 256. */
  readonly maxInflightMsgs?: number;
  /** Payload bytes without an answer per peer; 0 (the default) means unlimited. */
  readonly maxInflightBytes?: number;
  /** Payload bytes of the leader's uncommitted entries; 0 means unlimited. Default 1 GiB. */
  readonly maxUncommittedEntriesSize?: number;
  /** Encoded bytes of entries handed out and not applied yet. Default as `maxSizePerMsg`. */
  readonly maxCommittedSizePerReady?: number;
  /** Whether a leader that hears of no quorum steps down, and votes are refused while a leader is in touch. Default true. */
  readonly checkQuorum?: boolean;
  /** Whether a node asks if it could win before it raises the term. Default true. */
  readonly preVote?: boolean;
  /** How reads are confirmed: by a round of heartbeats, or by the clock (needs `checkQuorum`). Default "safe". */
  readonly readOnly?: "safe" | "lease";
  /**
   * With `readOnly: "lease"`, which all members must have alike: for so many ticks after it sent a heartbeat
   * that a quorum has answered, a leader answers reads at once; after that it asks the quorum. This is safe
   * as long as no member's clock runs more than (`electionTick` − 1) / `leaseTicks` times as fast as the
   * leader's, and a member that lives on is not told of less time than has passed. Default half of
   * `electionTick`: 1.8 times with 10 ticks.
   *
   * `Infinity` means as long as it leads. Other implementations do that; a leader that is cut off then
   * answers stale reads for up to an election timeout, however good the clocks are.
   */
  readonly leaseTicks?: number;
  /** Whether storage is written by a worker that answers with messages, instead of `advance`. Default false. */
  readonly asyncStorageWrites?: boolean;
  /** Whether followers drop proposals instead of sending them to the leader. Default false. */
  readonly disableProposalForwarding?: boolean;
  /** For tests and special recovery: append whatever change of membership is proposed. Default false. */
  readonly disableConfChangeValidation?: boolean;
  /** Whether a leader that is no voter any more becomes a follower. Default true. */
  readonly stepDownOnRemoval?: boolean;
  /**
   * What to do when the leader's commit index is above the own log, which means that acknowledged entries
   * were lost, or that the message is forged. "throw" is fatal in the term of the start, as long as no append
   * of its leader was accepted; else the message is refused (`E_FORGED`), and where a loss might explain it all the
   * same, the node gives no votes until its log reaches that index. "recover" asks for the
   * entries again and so gives up the protection against counting an acknowledgement twice: an operator's
   * decision, for one member at a time. Default "throw".
   */
  readonly onCommitRegression?: "throw" | "recover";
  /** Whether to install a snapshot whose configuration lacks this node. Default "accept". */
  readonly snapshotWithoutSelf?: "accept" | "reject";
  readonly compat?: Compat;
  /** Called on every transition. */
  readonly trace?: RaftTrace;
}

/** Options with all defaults filled in. */
export type ResolvedOptions = Readonly<
  Required<Omit<RaftOptions, "trace">> & { readonly trace: RaftTrace | null }
>;

const DEFAULT_MESSAGE_SIZE_BYTES = 1024 * 1024;
const DEFAULT_UNCOMMITTED_SIZE_BYTES = 1024 * 1024 * 1024;
const DEFAULT_INFLIGHT_COUNT = 256;
const DEFAULT_ELECTION_TICKS = 10;

/**
 * Fills in the defaults.
 *
 * @throws {RaftError} E_CONFIG naming the first option that is not acceptable.
 */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const maxSizePerMsg = options.maxSizePerMsg ?? DEFAULT_MESSAGE_SIZE_BYTES;
  const resolved: ResolvedOptions = Object.freeze({
    id: options.id,
    storage: options.storage,
    random: options.random,
    electionTick: options.electionTick ?? DEFAULT_ELECTION_TICKS,
    heartbeatTick: options.heartbeatTick ?? 1,
    applied: options.applied ?? 0,
    maxSizePerMsg,
    maxInflightMsgs: options.maxInflightMsgs ?? DEFAULT_INFLIGHT_COUNT,
    maxInflightBytes: options.maxInflightBytes ?? 0,
    maxUncommittedEntriesSize: options.maxUncommittedEntriesSize ?? DEFAULT_UNCOMMITTED_SIZE_BYTES,
    // With a limit of 0 bytes nothing could ever be handed out; 1 means one entry at a time.
    maxCommittedSizePerReady: options.maxCommittedSizePerReady ?? Math.max(1, maxSizePerMsg),
    checkQuorum: options.checkQuorum ?? true,
    preVote: options.preVote ?? true,
    readOnly: options.readOnly ?? "safe",
    leaseTicks: options.leaseTicks ?? Math.floor((options.electionTick ?? DEFAULT_ELECTION_TICKS) / 2),
    asyncStorageWrites: options.asyncStorageWrites ?? false,
    disableProposalForwarding: options.disableProposalForwarding ?? false,
    disableConfChangeValidation: options.disableConfChangeValidation ?? false,
    stepDownOnRemoval: options.stepDownOnRemoval ?? true,
    onCommitRegression: options.onCommitRegression ?? "throw",
    snapshotWithoutSelf: options.snapshotWithoutSelf ?? "accept",
    compat: options.compat ?? "modern",
    trace: options.trace ?? null,
  });
  checkIdentity(resolved);
  checkLimits(resolved);
  if (resolved.readOnly === "lease" && !resolved.checkQuorum) {
    throw unacceptable("readOnly", `"lease" requires checkQuorum`);
  }
  if (resolved.readOnly === "lease") checkLease(resolved);
  return resolved;
}

/** @throws {RaftError} E_CONFIG unless `applied` is 0 or inside of the log's [first, commit]. */
export function checkApplied(applied: number, first: number, commit: number): void {
  if (applied === 0 || (applied >= first && applied <= commit)) return;
  throw unacceptable("applied", `${applied} is outside of [${first}, ${commit}], what the storage has`);
}

function checkIdentity(options: ResolvedOptions): void {
  if (!/^[1-9a-f][0-9a-f]{0,15}$/.test(options.id)) {
    throw unacceptable("id", `must be hex of a 64-bit number other than ${NONE}, got "${options.id}"`);
  }
  if (typeof options.random !== "function") throw unacceptable("random", "is required");
  if (typeof options.storage !== "object") throw unacceptable("storage", "is required");
}

function checkLimits(options: ResolvedOptions): void {
  requireInteger("heartbeatTick", options.heartbeatTick, 1);
  requireInteger("electionTick", options.electionTick, options.heartbeatTick + 1);
  requireInteger("applied", options.applied, 0);
  requireInteger("maxSizePerMsg", options.maxSizePerMsg, 0);
  requireInteger("maxInflightMsgs", options.maxInflightMsgs, 1);
  requireInteger("maxUncommittedEntriesSize", options.maxUncommittedEntriesSize, 0);
  requireInteger("maxCommittedSizePerReady", options.maxCommittedSizePerReady, 1);
  if (options.maxInflightBytes !== 0) {
    requireInteger("maxInflightBytes", options.maxInflightBytes, Math.max(1, options.maxSizePerMsg));
  }
}

/** A lease that is as long as the promise behind it would not bear the smallest difference between two clocks. */
function checkLease({ leaseTicks, electionTick }: ResolvedOptions): void {
  if (leaseTicks === Number.POSITIVE_INFINITY) return;
  requireInteger("leaseTicks", leaseTicks, 1);
  if (leaseTicks >= electionTick - 1) {
    throw unacceptable("leaseTicks", `must be less than ${electionTick - 1}, got ${leaseTicks}`);
  }
}

function requireInteger(option: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return;
  throw unacceptable(option, `must be an integer of at least ${minimum}, got ${value}`);
}

function unacceptable(option: string, reason: string): RaftError {
  return new RaftError("E_CONFIG", `option ${option}: ${reason}`, { details: { option } });
}
