// The narrow place of reads by lease: a leader that some still hear is cut off from the rest, and those
// it relies on are tempted to elect another. A lease that lasts longer than their promise shows at once,
// because clients write to the new leader and read from the old one. Chance alone finds this once in
// thousands of seeds.
//
//   outsiders ══ cut ══ leader ── witnesses, who answer its heartbeats
//   then: witnesses are tempted, the leader is cut off from them too, outsiders stand for election

import type { RandomStream } from "./random-stream.ts";
import type { LiveMember } from "./sim-cluster.ts";
import type { SimMember } from "./sim-member.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { World } from "./world.ts";
import type { ClusterShape } from "./profile.ts";
import type { Deed } from "./plan.ts";

/** What is done to the witnesses: all that could make them forget what they owe. */
export type Temptation = "crash" | "campaign" | "fallBack" | "transfer" | "none";

/** The parts of a siege, as deeds of a plan. */
export type SiegeDeed =
  | { readonly kind: "besiege"; readonly witnessCount: number; readonly durationMs: number }
  | { readonly kind: "tempt"; readonly how: Temptation }
  | { readonly kind: "cutOffBesieged"; readonly isOneWay: boolean; readonly durationMs: number }
  | { readonly kind: "campaignOutside" };

const TEMPTATIONS = ["crash", "campaign", "fallBack", "transfer", "none"] as const;
/** Clients of its own, so that none waits for the answer to something else. */
const FIRST_WRITER = 20;
const WRITER_COUNT = 3;
const FIRST_READER = 30;
const READER_COUNT = 4;
const ROUND_COUNT = 16;
const ROUND_MS = 30;
/** After this time an election may have been won. */
const FIRST_ROUND_MS = 12;

/** From its beginning on nobody writes: outsiders that lack entries would not be elected. */
export const SIEGE_MS = 2_500;

/** Draws a siege with its temptation, and the clients that would notice. */
export function drawSiege(
  random: RandomStream,
  shape: ClusterShape,
  fromMs: number,
): { atMs: number; deed: Deed }[] {
  const how = random.pick(TEMPTATIONS);
  const temptMs = fromMs + random.between(1_200, 2_200);
  // A fall back has to be older than the last true promise.
  const temptAtMs = how === "fallBack" ? fromMs : temptMs;
  // An order to take over has to go through.
  const isOneWay = how === "transfer" || random.chance(0.3);
  const campaignMs = temptMs + random.between(8, 250);
  const deeds: { atMs: number; deed: Deed }[] = [
    { atMs: fromMs, deed: { kind: "besiege", witnessCount: random.pick([1, 2]), durationMs: 4_500 } },
    { atMs: temptAtMs, deed: { kind: "tempt", how } },
    { atMs: temptMs, deed: { kind: "cutOffBesieged", isOneWay, durationMs: 2_000 } },
    { atMs: campaignMs, deed: { kind: "campaignOutside" } },
  ];
  const key = random.below(shape.keyCount);
  for (let i = 0; i < ROUND_COUNT; i++) {
    const roundMs = campaignMs + FIRST_ROUND_MS + i * ROUND_MS;
    deeds.push(
      { atMs: roundMs, deed: operation(FIRST_WRITER + (i % WRITER_COUNT), key, "write") },
      { atMs: roundMs + ROUND_MS / 3, deed: operation(FIRST_READER + (i % READER_COUNT), key, "read") },
      {
        atMs: roundMs + (2 * ROUND_MS) / 3,
        deed: operation(FIRST_READER + ((i + 1) % READER_COUNT), key, "read"),
      },
    );
  }
  return deeds;
}

// Writes go to whoever leads in the highest term, reads to whoever still believes to lead in the lowest.
function operation(client: number, key: number, f: "read" | "write"): Deed {
  return { kind: "operation", client, key, f, via: f === "read" ? "claimant" : "leader", member: 0 };
}

/** A leader under siege. */
export class Siege {
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #leader: LiveMember;
  readonly #witnesses: readonly SimMember[];
  readonly #outsiders: readonly SimMember[];

  constructor(
    parts: { readonly world: World; readonly network: SimNetwork },
    leader: LiveMember,
    members: readonly SimMember[],
    witnessCount: number,
  ) {
    const { voters } = leader.life.node.appliedConfState;
    const others = members.filter(({ id }) => voters.includes(id) && id !== leader.member.id);
    this.#world = parts.world;
    this.#network = parts.network;
    this.#leader = leader;
    this.#witnesses = others.slice(0, witnessCount);
    this.#outsiders = others.slice(witnessCount);
  }

  begin(durationMs: number): void {
    this.#world.coverage.count("siege");
    this.#cut(this.#outsiders, durationMs, false);
  }

  tempt(how: Temptation, crash: (member: SimMember) => void): void {
    const { life: leading } = this.#leader;
    for (const witness of this.#witnesses) {
      const { life } = witness;
      if (how === "crash") crash(witness);
      else if (how === "campaign") life?.clock.run(() => life.node.campaign());
      else if (how === "fallBack") life?.clock.run(() => life.node.setCompat("etcd2"));
      else if (how === "transfer")
        leading.clock.run(() => void leading.node.transferLeader(witness.id).catch(() => {})); // may fail: it is cut off
    }
  }

  cutOff(durationMs: number, isOneWay: boolean): void {
    this.#cut(this.#witnesses, durationMs, isOneWay);
  }

  campaignOutside(): void {
    for (const { life } of this.#outsiders) life?.clock.run(() => life.node.campaign());
  }

  #cut(others: readonly SimMember[], durationMs: number, isOneWay: boolean): void {
    const { id } = this.#leader.member;
    const setCut = (isCut: boolean): void => {
      for (const other of others) {
        if (!isOneWay) this.#network.setCut(id, other.id, isCut);
        this.#network.setCut(other.id, id, isCut);
      }
    };
    setCut(true);
    this.#world.after(durationMs, () => setCut(false));
  }
}
