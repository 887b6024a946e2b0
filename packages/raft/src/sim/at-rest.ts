// When a cluster has come to rest: what liveness promises once the faults are over.

import { NONE } from "../types.ts";
import type { SimCluster } from "./sim-cluster.ts";

/** Whether all members of the configuration know one leader and have applied the same, and no change is under way. */
export function isSettled(cluster: SimCluster): boolean {
  const leader = cluster.leader();
  if (leader === null) return false;
  const { node, machine } = leader.life;
  const { commit } = node.status();
  const { voters, learners, votersOutgoing } = node.appliedConfState;
  if (votersOutgoing.length > 0 || node.appliedIndex !== commit) return false;
  const state = textOf(machine.encode());
  return [...voters, ...learners].every((id) => {
    const member = cluster.members.find((one) => one.id === id);
    if (member === undefined || !member.hasRightProfile(cluster.members)) return false;
    const { life } = member;
    if (life === null || life.node.leader === NONE || life.node.leader !== node.id) return false;
    return life.node.appliedIndex === commit && textOf(life.machine.encode()) === state;
  });
}

function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
