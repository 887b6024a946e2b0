// The members of a simulation and what can be done to them. Each deed of a plan is carried out here, or
// does nothing if it makes no sense at its moment.

import type { BootstrapPeer } from "../bootstrap.ts";
import { encodeConfChangeV2, nodeIdFromBigInt } from "../codec/index.ts";
import { RaftError } from "../errors.ts";
import { Message, MessageType } from "../message.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  Role,
  type ConfChange,
  type ConfChangeV2,
  type NodeId,
} from "../types.ts";
import { GREETING_MS } from "./company.ts";
import type { Deed } from "./plan.ts";
import type { SimClients } from "./sim-clients.ts";
import { Siege } from "./siege.ts";
import { SimMember, type Life, type MemberDeps } from "./sim-member.ts";
import { FAIR } from "./sim-network.ts";

/** Neighbouring ids above 2^53: as numbers they would be the same. */
const FIRST_ID = 0xff00_0000_0000_0001n;
const CHANGE_TIMEOUT_MS = 2_000;

/** A member with a process. */
export interface LiveMember {
  readonly member: SimMember;
  readonly life: Life;
}

/** Members in the order in which they joined; those that left stay in the list. */
export class SimCluster {
  readonly members: SimMember[] = [];
  readonly #deps: MemberDeps;
  readonly #clients: SimClients;
  #siege: Siege | null = null;

  constructor(deps: MemberDeps, clients: SimClients) {
    this.#deps = deps;
    this.#clients = clients;
    const ids = Array.from({ length: deps.shape.memberCount }, (_, i) => idAt(i));
    const bootstrap: BootstrapPeer[] = ids.map((id) => ({ id }));
    for (const id of ids) this.members.push(new SimMember(id, deps, bootstrap));
    for (const member of this.members) member.start();
  }

  /** Members that have a process, in order. */
  live(): LiveMember[] {
    return this.members.flatMap((member) => (member.life === null ? [] : [{ member, life: member.life }]));
  }

  /** Who leads in the highest term, as far as the nodes themselves know. */
  leader(): LiveMember | null {
    return this.#claimants().at(-1) ?? null;
  }

  /** The network, the disks and the clocks are right again, and all members run. */
  heal(): void {
    this.#deps.network.heal();
    for (const member of this.members) {
      member.disk.repair();
      if (this.#siege !== null) member.life?.node.setCompat(this.#deps.shape.raft.compat ?? "modern");
      member.life?.clock.resume();
      if (member.clockRate !== 1) member.crash();
      member.clockRate = 1;
      member.start();
    }
  }

  /** Processes tell each other what they are, from now on and for ever. */
  greet(): void {
    const { world, network } = this.#deps;
    for (const from of this.members) {
      for (const to of this.members) {
        // Its own greeting comes to itself as well: a member alone has to decide, too.
        if (!network.isCut(from.id, to.id)) to.greeted(from);
      }
    }
    world.after(GREETING_MS, () => this.greet());
  }

  /** Carries out a deed. `number` is that of its action. */
  do(deed: Deed, number: number): void {
    const { world, network } = this.#deps;
    const { coverage } = world;
    switch (deed.kind) {
      case "operation":
        this.#operate(deed, number);
        return;
      case "crash":
        this.#crash(this.#member(deed.member), deed.downMs);
        return;
      case "crashAll":
        coverage.count("crashOfAll");
        for (const member of this.members) this.#crash(member, deed.downMs);
        return;
      case "pause":
        coverage.count("pause");
        this.#member(deed.member).life?.clock.pause(deed.durationMs);
        return;
      case "skew": {
        // A clock has one speed for a life, so the skew comes with a restart.
        const member = this.#member(deed.member);
        coverage.count("skewedClock");
        member.clockRate = deed.rate;
        this.#crash(member, 10);
        return;
      }
      case "partition":
        this.#partition((i) => ((deed.side >> (i % 5)) & 1) === 1, deed.durationMs);
        return;
      case "isolateLeader": {
        const leader = this.leader()?.member;
        this.#partition((i) => this.members[i] === leader, deed.durationMs);
        return;
      }
      case "cut": {
        const from = this.#member(deed.from).id;
        const to = this.#member(deed.to).id;
        coverage.count("oneWayCut");
        network.setCut(from, to, true);
        world.after(deed.durationMs, () => network.setCut(from, to, false));
        return;
      }
      case "weather":
        network.weather = deed.weather;
        world.after(deed.durationMs, () => {
          if (network.weather === deed.weather) network.weather = FAIR;
        });
        return;
      case "diskStall":
        this.#member(deed.member).disk.stall(deed.durationMs);
        return;
      case "diskFailure":
        this.#member(deed.member).disk.failNext();
        return;
      case "snapshot":
        this.#snapshot(this.#member(deed.member), deed.keepEntries);
        return;
      case "campaign": {
        const life = this.#member(deed.member).life;
        life?.clock.run(() => life.node.campaign());
        return;
      }
      case "transfer":
        this.#transfer(this.#member(deed.member));
        return;
      case "addMember":
        this.#add(deed.isLearner);
        return;
      case "promote":
        this.#change(ConfChangeType.AddNode, this.#member(deed.member).id);
        return;
      case "removeMember":
        this.#remove(this.#member(deed.member).id);
        return;
      case "addRemoved":
        this.#addRemoved();
        return;
      case "replaceMember":
        this.#replace(this.#member(deed.member).id);
        return;
      case "replaceProgram": {
        const member = this.#member(deed.member);
        if (member.program !== deed.program) coverage.count("programReplaced");
        member.program = deed.program;
        this.#crash(member, deed.downMs);
        return;
      }
      case "fallBack":
        this.#fallBack(this.#member(deed.member), deed.durationMs);
        return;
      case "besiege": {
        const leader = this.leader();
        this.#siege = leader && new Siege(this.#deps, leader, this.members, deed.witnessCount);
        this.#siege?.begin(deed.durationMs);
        return;
      }
      case "tempt":
        this.#siege?.tempt(deed.how, (member) => this.#crash(member, 5));
        return;
      case "cutOffBesieged":
        this.#siege?.cutOff(deed.durationMs, deed.isOneWay);
        return;
      case "campaignOutside":
        this.#siege?.campaignOutside();
    }
  }

  #member(number: number): SimMember {
    return this.members[number % this.members.length]!;
  }

  #operate(deed: Extract<Deed, { kind: "operation" }>, number: number): void {
    const life = this.#addressee(deed)?.life ?? null;
    if (life === null) return;
    life.clock.run(() => this.#clients.start({ ...deed, id: number + 1 }, life));
  }

  #addressee({ via, member }: Extract<Deed, { kind: "operation" }>): SimMember | null {
    if (via === "leader") return this.leader()?.member ?? null;
    if (via === "claimant") return this.#claimants()[0]?.member ?? null;
    return this.#member(member);
  }

  // All that believe to lead, the one of the highest term last.
  #claimants(): LiveMember[] {
    const leaders = this.live().filter(({ life }) => life.node.role === Role.Leader);
    return leaders.toSorted((a, b) => a.life.node.term - b.life.node.term);
  }

  #crash(member: SimMember, downMs: number): void {
    const { world } = this.#deps;
    if (member.life === null) return;
    world.coverage.count("crash");
    member.crash();
    world.after(downMs, () => {
      if (member.life === null) world.coverage.count("restart");
      member.start();
    });
  }

  #partition(isInside: (i: number) => boolean, durationMs: number): void {
    const { world, network } = this.#deps;
    world.coverage.count("partition");
    const members = [...this.members];
    const setCut = (isCut: boolean): void => {
      for (const [i, from] of members.entries()) {
        for (const [j, to] of members.entries()) {
          if (isInside(i) !== isInside(j)) network.setCut(from.id, to.id, isCut);
        }
      }
    };
    setCut(true);
    world.after(durationMs, () => setCut(false));
  }

  #snapshot({ life }: SimMember, keepEntries: number): void {
    if (life === null) return;
    life.clock.run(() => {
      const { node, machine } = life;
      const request = { index: node.appliedIndex, confState: node.appliedConfState, data: machine.encode() };
      node
        .createSnapshot({ ...request, keepEntries })
        .then(() => this.#deps.world.coverage.count("snapshotCreated"), expectRefusal);
    });
  }

  #transfer({ id }: SimMember): void {
    const leader = this.leader();
    if (leader === null || leader.member.id === id) return;
    const { coverage } = this.#deps.world;
    coverage.count("transferAsked");
    const { clock, node } = leader.life;
    clock.run(() => {
      node
        .transferLeader(id, { timeoutMs: CHANGE_TIMEOUT_MS })
        .then(() => coverage.count("leaderTransferred"), expectRefusal);
    });
  }

  #add(isLearner: boolean): void {
    const member = new SimMember(idAt(this.members.length), this.#deps, null);
    this.members.push(member);
    member.start();
    const type = isLearner ? ConfChangeType.AddLearner : ConfChangeType.AddNode;
    this.#change(type, member.id, isLearner ? "learnerAdded" : "memberAdded");
  }

  // A cluster that shrinks to one or two members cannot lose any; that is not what is tested here.
  #remove(id: NodeId): void {
    const voters = this.leader()?.life.node.appliedConfState.voters ?? [];
    if (voters.length > 3) this.#change(ConfChangeType.RemoveNode, id, "memberRemoved");
  }

  #addRemoved(): void {
    const removed = this.members.find(({ id }) => this.leader()?.life.machine.isRemoved(id));
    if (removed !== undefined) this.#change(ConfChangeType.AddNode, removed.id);
  }

  #fallBack({ life }: SimMember, durationMs: number): void {
    life?.clock.run(() => life.node.setCompat("etcd2"));
    this.#deps.world.after(durationMs, () => life?.clock.run(() => life.node.setCompat("modern")));
  }

  // One member for another in one step, through a joint configuration. The driver has no method to
  // propose it; a follower forwards such a proposal as this message.
  #replace(id: NodeId): void {
    const leader = this.leader();
    const voters = leader?.life.node.appliedConfState.voters ?? [];
    // Of two members both are needed to leave, also the one that has already ended because it is replaced.
    const isPossible = voters.length > 2 && voters.includes(id) && id !== leader?.member.id;
    if (leader === null || !isPossible) return;
    const member = new SimMember(idAt(this.members.length), this.#deps, null);
    this.members.push(member);
    member.start();
    const change: ConfChangeV2 = {
      transition: ConfChangeTransition.Auto,
      changes: [
        { type: ConfChangeType.AddNode, nodeId: member.id },
        { type: ConfChangeType.RemoveNode, nodeId: id },
      ],
      context: null,
    };
    const message = new Message(MessageType.Prop, leader.member.id, id);
    const data = encodeConfChangeV2(change);
    message.entries = [{ term: 0, index: 0, type: EntryType.ConfChangeV2, data }];
    leader.life.node.step(message);
  }

  #change(
    type: ConfChange["type"],
    nodeId: NodeId,
    counted: "memberAdded" | "learnerAdded" | "memberRemoved" | null = null,
  ): void {
    const leader = this.leader();
    if (leader === null) return;
    const { coverage } = this.#deps.world;
    const { clock, node } = leader.life;
    clock.run(() => {
      node.changeMembership({ type, nodeId, context: null }, { timeoutMs: CHANGE_TIMEOUT_MS }).then(
        () => {
          if (counted !== null) coverage.count(counted);
        },
        (error: unknown) => {
          expectRefusal(error);
          if (error instanceof RaftError && error.code === "E_CONF_CHANGE") coverage.count("changeRefused");
        },
      );
    });
  }
}

function idAt(position: number): NodeId {
  return nodeIdFromBigInt(FIRST_ID + BigInt(position));
}

/** Whatever is asked of a node may be refused or time out; an error of another kind is a bug. */
function expectRefusal(error: unknown): void {
  if (!(error instanceof RaftError)) throw error;
}
