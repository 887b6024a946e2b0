// One simulated execution, from a seed alone: a cluster is drawn, then a plan of faults and operations;
// after it everything is mended, and the cluster has to come to rest. The same seed and options give the
// same execution, event by event.
//
//   faults (9 s of virtual time) ─► heal ─► calm: one leader, equal states ─► history linearizable?

import type { NodeOptions, RaftNode } from "../node/index.ts";
import { isSettled } from "./at-rest.ts";
import type { Coverage } from "./coverage.ts";
import type { RegisterOperation } from "./history.ts";
import { Invariants } from "./invariants.ts";
import { checkLinearizable } from "./linearizability.ts";
import { drawPlan, FAULTS_END_MS, type Action } from "./plan.ts";
import { drawShape, ELECTION_TICKS, TICK_MS, type SimProfile } from "./profile.ts";
import { RandomStream } from "./random-stream.ts";
import { SimClients } from "./sim-clients.ts";
import { SimCluster } from "./sim-cluster.ts";
import type { Life } from "./sim-member.ts";
import { SimNetwork } from "./sim-network.ts";
import { World, type Violation } from "./world.ts";

/** A healed cluster must be at rest after this many election timeouts. */
const CALM_ELECTIONS = 20;
const CALM_MAX_MS = CALM_ELECTIONS * ELECTION_TICKS * TICK_MS;
/** The client that looks if a healed cluster accepts writes. */
const PROBE_CLIENT = 99;
const FIRST_PROBE_ID = 1_000_000;

/** What to simulate. */
export interface SimulationOptions {
  /** An integer from 0; everything follows from it. */
  readonly seed: number;
  readonly profile: SimProfile;
  /** The numbers of the actions of the plan that are carried out. Default: all. */
  readonly keep?: readonly number[];
  /** Replaces parts of a node before it starts, to see what becomes of it. `life` counts its starts from 0. */
  readonly wrap?: (parts: NodeOptions, life: number) => NodeOptions;
  /** How a client makes sure that the state of a node may be read. Default: `node.read`. */
  readonly read?: (node: RaftNode) => Promise<unknown>;
}

/** How a simulation ended. */
export interface SimulationResult {
  /** The rule that was broken first, or null. */
  readonly violation: Violation | null;
  readonly stepCount: number;
  readonly simulatedMs: number;
  readonly coverage: Coverage;
  readonly history: readonly RegisterOperation[];
  /** What was done, in order of time. */
  readonly actions: readonly Action[];
}

const READ_TIMEOUT_MS = 1_500;

/** Runs one simulation to its end or to the first violation. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, profile } = options;
  const shape = drawShape(new RandomStream(seed, "shape"), profile);
  const plan = drawPlan(new RandomStream(seed, "plan"), shape, profile);
  const kept = options.keep === undefined ? null : new Set(options.keep);
  const actions = plan.filter(({ number }) => kept === null || kept.has(number));

  const world = new World();
  const invariants = new Invariants(world, shape.memberCount);
  const network = new SimNetwork(world, seed, shape);
  const clients = new SimClients({
    world,
    read: options.read ?? ((node) => node.read({ timeoutMs: READ_TIMEOUT_MS })),
    canConfirmReads: profile === "modern" || profile === "lease",
  });
  const wrap = options.wrap ?? ((parts) => parts);
  const onEnd = (life: Life): void => clients.lost(life);
  const cluster = new SimCluster(
    { world, network, invariants, seed, shape, wrap, onEnd, removed: new Set() },
    clients,
  );
  for (const { atMs, deed, number } of actions) world.after(atMs, () => cluster.do(deed, number));

  if (shape.isRolling) cluster.greet();
  await world.run(FAULTS_END_MS);
  cluster.heal();
  await calmDown(world, cluster, clients);
  for (let key = 0; key < shape.keyCount && world.violation === null; key++) {
    clients.observe(key, cluster.leader()?.life.machine.value(key) ?? 0);
  }
  if (world.violation === null) checkHistory(world, clients.history);
  return {
    violation: world.violation,
    stepCount: world.stepCount,
    simulatedMs: world.nowMs,
    coverage: world.coverage,
    history: clients.history,
    actions,
  };
}

// Liveness: without faults a leader is found, a write is accepted, and all members become equal.
async function calmDown(world: World, cluster: SimCluster, clients: SimClients): Promise<void> {
  const deadlineMs = world.nowMs + CALM_MAX_MS;
  let isWritable = false;
  for (let probes = 0; world.violation === null; probes++) {
    const leader = cluster.leader();
    if (!isWritable && leader !== null) {
      const request = {
        id: FIRST_PROBE_ID + probes,
        client: PROBE_CLIENT,
        key: 0,
        f: "write",
        via: "leader",
      } as const;
      clients.start(request, leader.life, (isOk) => {
        isWritable = isOk;
      });
    }
    await world.run(world.nowMs + TICK_MS);
    if (isWritable && clients.isIdle && isSettled(cluster)) return;
    if (world.nowMs >= deadlineMs) {
      world.violate("liveness", `not at rest ${CALM_ELECTIONS} election timeouts after all was mended`);
    }
  }
}

function checkHistory(world: World, history: readonly RegisterOperation[]): void {
  const verdict = checkLinearizable(history);
  if (verdict.kind === "linearizable") return;
  const what = verdict.kind === "undecided" ? "the search was given up" : JSON.stringify(verdict.stuck);
  world.violate("linearizability", `register ${verdict.key}: ${what}`);
}
