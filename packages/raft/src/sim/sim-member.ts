// One member through all its lives: its disk stays, everything else ends with the process. The node is
// the production driver; what it stands on is simulated.
//
//   start ─► life (node, machine, clock) ─► crash, failed disk, or removed ─► start …

import type { BootstrapPeer } from "../bootstrap.ts";
import { isKnownToEtcd2, MessageType, type Message } from "../message.ts";
import { runNode, type NodeOptions, type RaftNode } from "../node/index.ts";
import type { TraceEvent } from "../trace.ts";
import { EMPTY_CONF_STATE, Role, type ConfState, type Entry, type NodeId } from "../types.ts";
import type { Command } from "./command.ts";
import { Company, type Program } from "./company.ts";
import type { Invariants } from "./invariants.ts";
import { TICK_MS, type ClusterShape } from "./profile.ts";
import { RandomStream } from "./random-stream.ts";
import { RegisterMachine } from "./register-machine.ts";
import { SimClock } from "./sim-clock.ts";
import { DISK_FAILURE, SimDisk } from "./sim-disk.ts";
import type { Receiver, SimNetwork } from "./sim-network.ts";
import type { World } from "./world.ts";

/** Somebody starts a process again that has ended because of its disk. */
const RESTART_MS = 500;

/** What members share. */
export interface MemberDeps {
  readonly world: World;
  readonly network: SimNetwork;
  readonly invariants: Invariants;
  readonly seed: number;
  readonly shape: ClusterShape;
  /** Replaces parts of a node before it starts. */
  readonly wrap: (parts: NodeOptions, life: number) => NodeOptions;
  /** Members of which anyone has applied the removal. */
  readonly removed: Set<NodeId>;
  /** Called when a process has ended. */
  readonly onEnd: (life: Life) => void;
}

/** A process of a member, from its start to its end. */
export interface Life {
  readonly node: RaftNode;
  readonly machine: RegisterMachine;
  readonly clock: SimClock;
  readonly company: Company;
  /** Commands that were submitted in this process, by id: called with the result when they are applied. */
  readonly waiting: Map<number, (result: unknown) => void>;
}

/** A member of a simulated cluster. */
export class SimMember implements Receiver {
  readonly id: NodeId;
  readonly disk: SimDisk;
  life: Life | null = null;
  /** How fast its clock runs in its next life. */
  clockRate = 1;
  /** What runs as this member from its next life on. */
  program: Program = "kv";
  readonly #deps: MemberDeps;
  readonly #bootstrap: readonly BootstrapPeer[] | null;
  readonly #random: RandomStream;
  /** Whether nothing may be sent that 2.3.8 does not have. */
  readonly #isForEtcd2Only: boolean;
  #lifeCount = 0;
  #role: Role = Role.Follower;
  #term = 0;
  #commit = 0;
  #applied = 0;
  #confState: ConfState = EMPTY_CONF_STATE;

  /** @param bootstrap the members of the new cluster, if this is one of them. */
  constructor(id: NodeId, deps: MemberDeps, bootstrap: readonly BootstrapPeer[] | null) {
    const { world, seed, invariants, network } = deps;
    this.id = id;
    this.#deps = deps;
    this.#bootstrap = bootstrap;
    this.#random = new RandomStream(seed, `node ${id}`);
    this.#isForEtcd2Only = deps.shape.raft.compat === "etcd2" && !deps.shape.isRolling;
    this.disk = new SimDisk(id, world, new RandomStream(seed, `disk ${id}`), invariants);
    invariants.watch({ id, image: this.disk.image });
    network.add(id, this);
  }

  /** Starts the process, from what the disk holds. */
  start(): void {
    if (this.life !== null) return;
    const { world, shape, wrap } = this.#deps;
    const { image } = this.disk;
    const clock = new SimClock(world, this.#random, this.clockRate);
    const machine = new RegisterMachine({
      applied: (entry, command, result) => this.#onApplied(entry, command, result),
      restored: ({ meta }) => {
        this.#applied = meta.index;
        world.coverage.count("snapshotRestored");
      },
    });
    if (image.snapshot.meta.index > 0) machine.load(image.snapshot);
    if (this.#lifeCount > 0 && image.hardState.commit < image.lastIndex) {
      world.coverage.count("commitBehindAtRestart");
    }
    this.#applied = image.snapshot.meta.index;
    this.#commit = 0;
    this.#term = 0;
    this.#role = Role.Follower;
    this.#confState = image.snapshot.meta.confState;
    const parts: NodeOptions = {
      raft: {
        ...shape.raft,
        id: this.id,
        random: (n) => this.#random.below(n),
        trace: (event) => this.#onTrace(event),
      },
      memory: image.load(),
      stable: this.disk.open(clock),
      transport: { send: (messages) => this.#send(clock, messages) },
      machine,
      clock,
      tickMs: TICK_MS,
      onFatal: (error) => this.#onFatal(error),
      ...(this.#bootstrap !== null && image.isEmpty ? { bootstrap: this.#bootstrap } : {}),
    };
    try {
      const node = runNode(wrap(parts, this.#lifeCount));
      this.#lifeCount++;
      this.life = { node, machine, clock, company: new Company(this.id, this.program), waiting: new Map() };
      node.on("membership", (confState) => this.#onMembership(node, confState));
    } catch (error) {
      world.violate("restart", `${this.id} does not start: ${String(error)}`);
    }
  }

  /** Ends the process without any warning. */
  crash(): void {
    const { life } = this;
    if (life === null) return;
    life.clock.kill();
    this.life = null;
    this.disk.crash();
    this.#deps.onEnd(life);
  }

  connection(): object | null {
    if (!this.#deps.shape.isRolling) return this;
    return this.life?.company.program === "kv" ? this.life : null;
  }

  /** Another member has told what it is. */
  greeted({ id, life: other }: SimMember): void {
    const { life } = this;
    if (other === null || life === null) return;
    life.clock.run(() => {
      life.company.heard(id, other.company.program);
      this.#followCompany(life);
    });
  }

  /** Whether a member that is up follows the rules that are right among the programs that really run. */
  hasRightProfile(members: readonly SimMember[]): boolean {
    const { life } = this;
    if (life === null || !this.#deps.shape.isRolling) return true;
    const real = new Company(this.id, life.company.program);
    for (const { id, program } of members) real.heard(id, program);
    return life.company.compat === real.wanted(life.node.appliedConfState);
  }

  deliver(message: Message): boolean {
    const { life } = this;
    if (life === null) return false;
    if (this.#deps.shape.isRolling && this.#isLostOn(life, message)) return true;
    // As a transport does: who was removed is not listened to any more. While a joint configuration
    // lasts, who is going to leave still votes.
    const isGone = life.machine.isRemoved(message.from) && !isMember(this.#confState, message.from);
    if (!isGone && !this.#isSwitchedOff(message.from)) life.node.step(message);
    return true;
  }

  reportUnreachable(id: NodeId): void {
    const { life } = this;
    life?.clock.run(() => life.node.reportUnreachable(id));
  }

  reportSnapshot(id: NodeId, delivered: boolean): void {
    const { life } = this;
    life?.clock.run(() => life.node.reportSnapshot(id, delivered));
  }

  /** A 2.3.8 member must never get what it does not know, and says nothing to messages of former terms. */
  #isLostOn({ node, company }: Life, message: Message): boolean {
    const { world } = this.#deps;
    if (company.program === "kv") {
      if (message.type === MessageType.PreVote && company.compat === "etcd2") {
        world.coverage.count("preVoteAtEtcd2Rules");
      }
      return false;
    }
    if (!isKnownToEtcd2(message.type)) {
      world.violate("unread-by-etcd2", `${this.id} gets a message of type ${message.type}`);
    }
    return message.term !== 0 && message.term < node.term;
  }

  #followCompany({ company, node }: Life): void {
    if (!this.#deps.shape.isRolling || !company.decide(node.appliedConfState)) return;
    this.#deps.world.coverage.count(company.compat === "modern" ? "profileToModern" : "profileToEtcd2");
    node.setCompat(company.compat);
  }

  // Without votes that ask first and leases, a removed member that goes on raises the term of one that
  // has just been added, for ever (raft.md §8.6): there the operator switches it off.
  #isSwitchedOff(id: NodeId): boolean {
    const { removed, shape } = this.#deps;
    const { compat, preVote, checkQuorum } = shape.raft;
    const isHarmless = compat === "modern" && preVote === true && checkQuorum === true;
    return !isHarmless && removed.has(id);
  }

  #send(clock: SimClock, messages: readonly Message[]): void {
    const { world, invariants, network } = this.#deps;
    if (!clock.isAlive) return;
    for (const message of messages) {
      invariants.sent(this.id, message);
      if (this.#isForEtcd2Only && (!isKnownToEtcd2(message.type) || message.context !== null)) {
        world.violate("unread-by-etcd2", `${this.id} sends a message of type ${message.type}`);
      }
    }
    network.send(this.id, messages);
  }

  #onApplied(entry: Entry, command: Command | null, result: unknown): void {
    const { world, invariants } = this.#deps;
    if (entry.index !== this.#applied + 1) {
      world.violate("applied-in-order", `${this.id} applies ${entry.index} after ${this.#applied}`);
    }
    this.#applied = entry.index;
    invariants.applied(this.id, entry);
    if (command === null || result === null) return;
    this.life?.waiting.get(command.id)?.(result);
  }

  #onMembership(node: RaftNode, confState: ConfState): void {
    const { world, invariants } = this.#deps;
    invariants.configured(this.id, node.appliedIndex, confState);
    if (this.life !== null) this.#followCompany(this.life);
    const isRemoved = this.life?.machine.isRemoved(this.id) ?? false;
    // As a server does: it hears of its removal and ends.
    if (isRemoved && !isMember(confState, this.id)) world.after(TICK_MS, () => this.crash());
  }

  // A disk that fails is a fault of the plan; a node that fails by itself is what we are looking for.
  #onFatal(error: Error): void {
    const { world } = this.#deps;
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    if (cause !== DISK_FAILURE) {
      world.violate("no-node-fails", `${this.id}: ${error.message}: ${cause}`);
      return;
    }
    world.after(0, () => this.crash());
    world.after(RESTART_MS, () => this.start());
  }

  #onTrace(event: TraceEvent): void {
    const { world, invariants } = this.#deps;
    switch (event.t) {
      case "role":
        this.#onRole(event.role, event.term);
        return;
      case "term":
        if (event.term < this.#term) world.violate("term", `${this.id} goes back to term ${event.term}`);
        this.#term = event.term;
        return;
      case "commit":
        if (event.commit < this.#commit) world.violate("commit", `${this.id} commits less than before`);
        this.#commit = event.commit;
        invariants.committed(this.id, event.commit, this.#role, this.#term, this.#confState);
        return;
      case "truncate":
        world.coverage.count("logTruncated");
        return;
      case "conf":
        this.#onConfiguration(event.confState);
        return;
      case "violation":
        world.violate("election-safety", `${this.id} hears of another leader of its term`);
        return;
      case "recv":
        if (event.message.type === MessageType.AppResp && event.message.reject) {
          world.coverage.count("appendRejected");
        }
        return;
      case "vote":
      case "append":
      case "send":
      case "snapshot":
      case "apply":
        return;
      case "readIndex":
        if (this.#deps.shape.raft.readOnly === "lease") {
          world.coverage.count(event.by === "leader" ? "readByLease" : "readByQuorum");
        }
    }
  }

  #onRole(role: Role, term: number): void {
    const { world, invariants } = this.#deps;
    const previous = this.#role;
    this.#role = role;
    if (role === Role.PreCandidate) world.coverage.count("preElection");
    if (role === Role.Follower && previous === Role.Candidate) world.coverage.count("electionLost");
    if (role === Role.Follower && previous === Role.Leader) world.coverage.count("stepDown");
    if (role !== Role.Leader) return;
    world.coverage.count("electionWon");
    // Its whole log counts, also what is not written yet.
    invariants.leads(this.id, term, this.life?.node.status().lastIndex ?? 0);
  }

  #onConfiguration(confState: ConfState): void {
    const wasJoint = this.#confState.votersOutgoing.length > 0;
    const isJoint = confState.votersOutgoing.length > 0;
    if (isJoint && !wasJoint) this.#deps.world.coverage.count("jointEntered");
    if (wasJoint && !isJoint) this.#deps.world.coverage.count("jointLeft");
    const { voters, votersOutgoing, learners } = this.#confState;
    for (const id of [...voters, ...votersOutgoing, ...learners]) {
      if (!isMember(confState, id)) this.#deps.removed.add(id);
    }
    this.#confState = confState;
  }
}

function isMember({ voters, votersOutgoing, learners }: ConfState, id: NodeId): boolean {
  return voters.includes(id) || votersOutgoing.includes(id) || learners.includes(id);
}
