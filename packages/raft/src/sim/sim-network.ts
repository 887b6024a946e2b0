// The network between members: every message takes its own time, so that later ones overtake earlier
// ones; it may be lost, repeated, or stopped where a link is cut in that direction. What happens to the
// n-th message of a link depends on the seed, the link and n alone. Hot path.

import { decodeMessage, encodeMessage } from "../codec/index.ts";
import { isKnownToEtcd2, MessageType, type Message } from "../message.ts";
import type { NodeId } from "../types.ts";
import type { ClusterShape } from "./profile.ts";
import { RandomStream } from "./random-stream.ts";
import type { World } from "./world.ts";

const DELAY_MIN_MICROS = 200;
const DELAY_MAX_MICROS = 4_000;
/** What a message that is much too late is late by. */
const LATE_MAX_MS = 1_500;
const SNAPSHOT_MAX_MS = 150;
/** The sender hears of a snapshot that was not delivered after this time. */
const SNAPSHOT_TIMEOUT_MS = 400;

/** How bad the network is: probabilities per message. */
export interface Weather {
  readonly drop: number;
  readonly duplicate: number;
  /** Late by up to 1.5 s: overtaken by everything, and possibly of another term when it arrives. */
  readonly late: number;
}

/** The network when nothing is wrong with it. */
export const FAIR: Weather = Object.freeze({ drop: 0, duplicate: 0, late: 0 });

/** Who gets messages. */
export interface Receiver {
  /** False if there is no process to receive it. */
  deliver(message: Message): boolean;
  /**
   * What a message that etcd 2.x cannot read may travel on: the same object as long as the same process can
   * be reached that has announced that it can; null if there is none.
   */
  connection(): object | null;
  reportUnreachable(id: NodeId): void;
  reportSnapshot(id: NodeId, delivered: boolean): void;
}

interface Link {
  readonly random: RandomStream;
  isCut: boolean;
  /** Of a message that the next one waits for. */
  lastArrivalMs: number;
  latestArrivalMs: number;
}

/** Links between all members, one for each direction. */
export class SimNetwork {
  weather: Weather = FAIR;
  readonly #world: World;
  readonly #seed: number;
  readonly #shape: Pick<ClusterShape, "isEncoded" | "isOrdered">;
  readonly #receivers = new Map<NodeId, Receiver>();
  readonly #links = new Map<string, Link>();

  constructor(world: World, seed: number, shape: Pick<ClusterShape, "isEncoded" | "isOrdered">) {
    this.#world = world;
    this.#seed = seed;
    this.#shape = shape;
  }

  add(id: NodeId, receiver: Receiver): void {
    this.#receivers.set(id, receiver);
  }

  /** Stops everything from one member to another, or lets it pass again. */
  setCut(from: NodeId, to: NodeId, isCut: boolean): void {
    this.#link(from, to).isCut = isCut;
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#link(from, to).isCut;
  }

  /** Mends all links and the weather. */
  heal(): void {
    this.weather = FAIR;
    for (const link of this.#links.values()) link.isCut = false;
  }

  send(from: NodeId, messages: readonly Message[]): void {
    for (const message of messages) this.#send(from, message);
  }

  #send(from: NodeId, message: Message): void {
    const { coverage } = this.#world;
    const link = this.#link(from, message.to);
    const { random } = link;
    const { drop, duplicate, late } = this.weather;
    // Always the same number of draws, so that the weather does not shift what comes later.
    const isDropped = random.chance(drop);
    const isRepeated = random.chance(duplicate);
    const isLate = random.chance(late);
    const delayMs = random.between(DELAY_MIN_MICROS, DELAY_MAX_MICROS) / 1000;
    const extraMs = random.below(LATE_MAX_MS);
    if (link.isCut || isDropped) {
      coverage.count(link.isCut ? "messageBlocked" : "messageDropped");
      this.#failed(from, message, link.isCut);
      return;
    }
    if (!isKnownToEtcd2(message.type) && this.#receivers.get(message.to)?.connection() === null) {
      coverage.count("messageNotForEtcd2");
      return;
    }
    const isSnapshot = message.type === MessageType.Snap;
    const arrivalMs = isSnapshot ? delayMs + (extraMs % SNAPSHOT_MAX_MS) : delayMs + (isLate ? extraMs : 0);
    // What came before is waited for; snapshots and late messages have a connection of their own.
    const earliestMs =
      this.#shape.isOrdered && !isSnapshot && !isLate ? link.lastArrivalMs - this.#world.nowMs : 0;
    this.#arrive(from, message, Math.max(arrivalMs, earliestMs), link, !isSnapshot && !isLate);
    if (!isRepeated || isSnapshot) return;
    coverage.count("messageDuplicated");
    this.#arrive(from, message, delayMs + extraMs, link, false);
  }

  #arrive(from: NodeId, message: Message, delayMs: number, link: Link, isInLine: boolean): void {
    const arrivalMs = this.#world.nowMs + delayMs;
    if (arrivalMs < link.latestArrivalMs) this.#world.coverage.count("messageReordered");
    link.latestArrivalMs = Math.max(link.latestArrivalMs, arrivalMs);
    if (isInLine) link.lastArrivalMs = Math.max(link.lastArrivalMs, arrivalMs);
    const carried = this.#shape.isEncoded ? decodeMessage(encodeMessage(message)) : message;
    const connection = this.#receivers.get(message.to)?.connection();
    this.#world.after(delayMs, () => {
      const hasConnection = this.#receivers.get(message.to)?.connection() === connection;
      if (!isKnownToEtcd2(message.type) && !hasConnection) return;
      const isDelivered = this.#receivers.get(message.to)?.deliver(carried) ?? false;
      if (!isDelivered) {
        this.#world.coverage.count("messageToDeadNode");
        this.#failed(from, message, true);
      } else if (message.type === MessageType.Snap) {
        this.#receivers.get(from)?.reportSnapshot(message.to, true);
      }
    });
  }

  // A transport notices a dead connection, but not a lost message; the fate of a snapshot is always told.
  #failed(from: NodeId, message: Message, isNoticed: boolean): void {
    const sender = this.#receivers.get(from);
    if (message.type === MessageType.Snap) {
      this.#world.coverage.count("snapshotLost");
      this.#world.after(SNAPSHOT_TIMEOUT_MS, () => sender?.reportSnapshot(message.to, false));
    } else if (isNoticed && message.type === MessageType.App) {
      sender?.reportUnreachable(message.to);
    }
  }

  #link(from: NodeId, to: NodeId): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = {
        random: new RandomStream(this.#seed, name),
        isCut: false,
        lastArrivalMs: 0,
        latestArrivalMs: 0,
      };
      this.#links.set(name, link);
    }
    return link;
  }
}
