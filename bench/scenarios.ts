// What is measured: which programs, which operations, from how many connections, against how many members.

import { OPERATIONS, planOf } from "./operations.ts";
import type { Operation } from "./operations.ts";

/** etcd and kvd are compared; the floor is what no server in Node can be better than. */
export type Program = "etcd" | "kvd" | "floor";

/** One operation from some connections against a cluster of some members. */
export interface Scenario {
  readonly members: number;
  readonly operation: Operation;
  readonly connections: number;
}

/** What was asked for; null: the default. */
export interface Selection {
  readonly members: readonly number[];
  readonly operations: readonly Operation[] | null;
  readonly connections: readonly number[] | null;
  readonly all: boolean;
}

/** From a lone client to a crowd. */
const SWEEP = [1, 16, 64, 256, 1_000];

/** The sweep again for clusters, whose samples say little more at the other points. */
const CLUSTER_SWEEP = [1, 64, 256];

/** By default those that say the most in a quarter of an hour; everything that is asked for by name. */
export function scenariosOf(selection: Selection): readonly Scenario[] {
  return selection.members.flatMap((members) =>
    operationsOf(selection, members).flatMap((operation) =>
      connectionsOf(selection, members, operation).map((connections) => ({
        members,
        operation,
        connections,
      })),
    ),
  );
}

/** The programs of a scenario in the order of one round: forth and back by turns, so that a drift hits both alike. */
export function programsOf(
  operation: Operation,
  round: number,
  options: { readonly floor: boolean },
): readonly Program[] {
  const programs: Program[] = ["etcd", "kvd"];
  if (options.floor && planOf(operation).hasFloor) programs.push("floor");
  return round % 2 === 0 ? programs : programs.toReversed();
}

function operationsOf({ operations, all }: Selection, members: number): readonly Operation[] {
  if (operations !== null) return operations;
  // A local read costs a member of three what it costs a member of one.
  return OPERATIONS.filter((operation) => all || members === 1 || planOf(operation).isReplicated);
}

function connectionsOf(
  { connections, all }: Selection,
  members: number,
  operation: Operation,
): readonly number[] {
  if (connections !== null) return connections;
  if (all) return SWEEP;
  const usual = planOf(operation).connections;
  if (usual !== undefined) return [usual];
  return members === 1 ? SWEEP : CLUSTER_SWEEP;
}
