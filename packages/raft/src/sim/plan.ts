// Everything that is done to a cluster, drawn before it starts: faults, changes of membership and the
// operations of clients. A plan with some of its actions left out is a plan too, which is how a
// failure is shrunk; an action that makes no sense when its time has come does nothing.

import type { Program } from "./company.ts";
import type { RegisterFunction } from "./history.ts";
import type { ClusterShape, SimProfile } from "./profile.ts";
import type { RandomStream } from "./random-stream.ts";
import { drawSiege, SIEGE_MS, type SiegeDeed } from "./siege.ts";
import type { Weather } from "./sim-network.ts";

/** What is done. Members are counted from 0 in the order in which they joined, modulo their number. */
export type Deed =
  | SiegeDeed
  | {
      readonly kind: "operation";
      readonly client: number;
      readonly key: number;
      readonly f: RegisterFunction;
      readonly via: OperationPath;
      readonly member: number;
    }
  | { readonly kind: "crash"; readonly member: number; readonly downMs: number }
  | { readonly kind: "crashAll"; readonly downMs: number }
  | { readonly kind: "pause"; readonly member: number; readonly durationMs: number }
  | { readonly kind: "skew"; readonly member: number; readonly rate: number }
  | { readonly kind: "partition"; readonly side: number; readonly durationMs: number }
  | { readonly kind: "isolateLeader"; readonly durationMs: number }
  | { readonly kind: "cut"; readonly from: number; readonly to: number; readonly durationMs: number }
  | { readonly kind: "weather"; readonly weather: Weather; readonly durationMs: number }
  | { readonly kind: "diskStall"; readonly member: number; readonly durationMs: number }
  | { readonly kind: "diskFailure"; readonly member: number }
  | { readonly kind: "snapshot"; readonly member: number; readonly keepEntries: number }
  | { readonly kind: "transfer"; readonly member: number }
  | { readonly kind: "campaign"; readonly member: number }
  | { readonly kind: "addMember"; readonly isLearner: boolean }
  | { readonly kind: "promote"; readonly member: number }
  | { readonly kind: "removeMember"; readonly member: number }
  | { readonly kind: "addRemoved" }
  | { readonly kind: "replaceMember"; readonly member: number }
  | {
      readonly kind: "replaceProgram";
      readonly member: number;
      readonly program: Program;
      readonly downMs: number;
    }
  | { readonly kind: "fallBack"; readonly member: number; readonly durationMs: number };

/**
 * How an operation reaches the log. `leader`: proposed and awaited at whoever leads. `claimant`: at who
 * believes to lead, in the lowest term; a read is confirmed there. `anyone`: the same at the member named. `forward`: submitted to the member named, and recognised when applied.
 */
export type OperationPath = "leader" | "claimant" | "anyone" | "forward";

/** A deed with its time and its number in the plan, by which it is named. */
export interface Action {
  readonly number: number;
  readonly atMs: number;
  readonly deed: Deed;
}

/** The first moment at which something may go wrong: by then the members have written their first state. */
const FAULTS_FROM_MS = 500;
/** From here on nothing new goes wrong. */
export const FAULTS_END_MS = 9_000;

const OPERATION_COUNT = 220;
const FAULT_MAX_COUNT = 24;

/** Draws a plan: each seed has only some kinds of fault, because all of them at once hide each other. */
export function drawPlan(random: RandomStream, shape: ClusterShape, profile: SimProfile): Action[] {
  const deeds: { atMs: number; deed: Deed }[] = [];
  const at = (): number => random.between(FAULTS_FROM_MS, FAULTS_END_MS);
  for (let i = 0; i < OPERATION_COUNT; i++) deeds.push({ atMs: at(), deed: drawOperation(random, shape) });

  const kinds = KINDS[profile];
  const enabled = kinds.filter(() => random.chance(0.4));
  const count = enabled.length === 0 ? 0 : random.between(2, FAULT_MAX_COUNT);
  for (let i = 0; i < count; i++) {
    const draw = enabled[random.below(enabled.length)]!;
    deeds.push({ atMs: at(), deed: draw(random, random.below(8)) });
  }
  if (profile === "lease" && random.chance(0.5)) {
    const fromMs = random.between(2_500, 5_000);
    // Other faults would mostly help the leader.
    if (random.chance(0.7)) deeds.splice(OPERATION_COUNT);
    const others = deeds.splice(0).filter(({ atMs }) => atMs < fromMs || atMs > fromMs + SIEGE_MS);
    deeds.push(...others, ...drawSiege(random, shape, fromMs));
  }
  return deeds.toSorted((a, b) => a.atMs - b.atMs).map((one, number) => ({ number, ...one }));
}

function drawOperation(random: RandomStream, shape: ClusterShape): Deed {
  return {
    kind: "operation",
    client: random.below(shape.clientCount),
    key: random.below(shape.keyCount),
    f: random.pick(["read", "read", "write", "write", "cas"]),
    via: random.pick(["leader", "claimant", "anyone", "forward"]),
    member: random.below(8),
  };
}

type DrawFault = (random: RandomStream, member: number) => Deed;

const FAULTS: readonly DrawFault[] = [
  (random, member) => ({ kind: "crash", member, downMs: random.between(10, 3_000) }),
  (random) => ({ kind: "crashAll", downMs: random.between(10, 1_500) }),
  (random, member) => ({ kind: "pause", member, durationMs: random.between(50, 5_000) }),
  (random) => ({ kind: "partition", side: random.between(1, 30), durationMs: random.between(100, 4_000) }),
  (random) => ({ kind: "isolateLeader", durationMs: random.between(1_000, 5_000) }),
  (random, from) => ({ kind: "cut", from, to: random.below(8), durationMs: random.between(100, 4_000) }),
  (random) => ({
    kind: "weather",
    weather: {
      drop: random.below(30) / 100,
      duplicate: random.below(20) / 100,
      late: random.below(20) / 100,
    },
    durationMs: random.between(500, 5_000),
  }),
  (random, member) => ({ kind: "diskStall", member, durationMs: random.between(20, 2_000) }),
  (_, member) => ({ kind: "diskFailure", member }),
  (random, member) => ({ kind: "snapshot", member, keepEntries: random.pick([0, 1, 5, 50]) }),
  (random, member) => ({ kind: "snapshot", member, keepEntries: random.below(3) }),
  (_, member) => ({ kind: "campaign", member }),
  () => ({ kind: "addMember", isLearner: false }),
  (_, member) => ({ kind: "removeMember", member }),
  () => ({ kind: "addRemoved" }),
];

const SKEW: DrawFault = (random, member) => ({ kind: "skew", member, rate: random.between(50, 300) / 100 });

const MODERN_FAULTS: readonly DrawFault[] = [
  (_, member) => ({ kind: "transfer", member }),
  () => ({ kind: "addMember", isLearner: true }),
  (_, member) => ({ kind: "promote", member }),
  (_, member) => ({ kind: "replaceMember", member }),
];

const LEASE_FAULTS: readonly DrawFault[] = [
  // As much as a lease of half an election timeout of 10 ticks bears: 1.34 / 0.75 is less than 9 / 5.
  (random, member) => ({ kind: "skew", member, rate: random.between(75, 134) / 100 }),
  (random, member) => ({ kind: "fallBack", member, durationMs: random.between(100, 3_000) }),
  (random) => ({ kind: "isolateLeader", durationMs: random.between(1_000, 5_000) }),
];

const ROLLING_FAULTS: readonly DrawFault[] = [
  (random, member) => ({
    kind: "replaceProgram",
    member,
    program: "etcd2",
    downMs: random.between(10, 2_000),
  }),
  (random, member) => ({ kind: "replaceProgram", member, program: "kv", downMs: random.between(10, 2_000) }),
];

const KINDS: Readonly<Record<SimProfile, readonly DrawFault[]>> = {
  modern: [...FAULTS, SKEW, ...MODERN_FAULTS],
  etcd2: [...FAULTS, SKEW],
  lease: [...FAULTS, ...MODERN_FAULTS, ...LEASE_FAULTS],
  rolling: [...FAULTS, SKEW, ...ROLLING_FAULTS, ...ROLLING_FAULTS],
};
