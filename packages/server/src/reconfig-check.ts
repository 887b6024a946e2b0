// --strict-reconfig-check: a change of the membership that would leave too few running members to agree
// on anything is refused before it is proposed (cluster.md §9).

import type { NodeId } from "@kv/raft";
import { MemberError, type Member } from "./server-api.ts";

/**
 * Whether a member may be added. The new one counts towards the quorum at once, and it does not run yet.
 *
 * @throws {MemberError} `E_NOT_ENOUGH_STARTED`
 */
export function checkQuorumAfterAdd(members: readonly Member[]): void {
  const startedCount = members.filter(isStarted).length;
  const memberCount = members.length + 1;
  // There is no other way from one member to two.
  if (startedCount === 1 && memberCount === 2) return;
  if (startedCount < quorumOf(memberCount)) throw tooFewStarted();
}

/**
 * Whether a member may be removed.
 *
 * @throws {MemberError} `E_NOT_ENOUGH_STARTED`
 */
export function checkQuorumAfterRemove(members: readonly Member[], id: NodeId): void {
  const remaining = members.filter((member) => member.id !== id);
  if (remaining.filter(isStarted).length < quorumOf(remaining.length)) throw tooFewStarted();
}

/** A member tells its name once it runs. */
function isStarted(member: Member): boolean {
  return member.name !== "";
}

function quorumOf(memberCount: number): number {
  return Math.floor(memberCount / 2) + 1;
}

function tooFewStarted(): MemberError {
  return new MemberError(
    "E_NOT_ENOUGH_STARTED",
    "etcdserver: re-configuration failed due to not enough started members",
  );
}
