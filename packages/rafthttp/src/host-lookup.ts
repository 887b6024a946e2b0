// Addresses of host names, asked of the system but not too often: each question occupies one of
// libuv's four threads until the name server answers, and fsync waits for the same threads
// (architecture §9). So questions are shared, answers kept for a while, and few run at a time.

import { lookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { systemClock, type Clock } from "./clock.ts";

/** Half of libuv's threads stay free for the disk, whatever the name server does. */
const LOOKUP_LIMIT = 2;
/** Long enough for peers that are redialled ten times a second, short enough for one that moves. */
const ANSWER_AGE_LIMIT_MS = 10_000;
const ANSWER_COUNT_LIMIT = 256;

type Answered = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void;

/** Asks the system for all addresses of a name. */
export type SystemLookup = (hostname: string, answered: Answered) => void;

interface Answer {
  readonly addresses: readonly LookupAddress[];
  readonly freshUntil: number;
}

/** Looks names up: at most two at a time, each name once at a time, failures not remembered. */
export class HostLookup {
  readonly #clock: Clock;
  readonly #system: SystemLookup;
  readonly #answers = new Map<string, Answer>();
  /** Who waits, by name. */
  readonly #waiting = new Map<string, Answered[]>();
  /** Names that are not being looked up yet. */
  readonly #queue: string[] = [];
  #runningCount = 0;

  constructor(clock: Clock, system: SystemLookup) {
    this.#clock = clock;
    this.#system = system;
  }

  /** As `dns.lookup`, for `net.connect`. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#find(hostname, (error, all) => {
      const wanted = options.family === 4 || options.family === 6 ? options.family : null;
      const addresses = wanted === null ? all : all.filter(({ family }) => family === wanted);
      const first = addresses[0];
      if (error !== null || first === undefined) callback(error ?? notFound(hostname), "", 0);
      else if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };

  #find(hostname: string, answered: Answered): void {
    const known = this.#answers.get(hostname);
    if (known !== undefined && this.#clock.now() < known.freshUntil) {
      process.nextTick(answered, null, known.addresses); // sockets expect their answer in a later turn
      return;
    }
    const waiting = this.#waiting.get(hostname);
    if (waiting !== undefined) {
      waiting.push(answered);
      return;
    }
    this.#waiting.set(hostname, [answered]);
    this.#queue.push(hostname);
    this.#askNext();
  }

  #askNext(): void {
    if (this.#runningCount >= LOOKUP_LIMIT) return;
    const hostname = this.#queue.shift();
    if (hostname === undefined) return;
    this.#runningCount++;
    this.#system(hostname, (error, addresses) => {
      this.#runningCount--;
      if (error === null) this.#remember(hostname, addresses);
      const waiting = this.#waiting.get(hostname) ?? [];
      this.#waiting.delete(hostname);
      this.#askNext();
      for (const answered of waiting) answered(error, addresses);
    });
  }

  #remember(hostname: string, addresses: readonly LookupAddress[]): void {
    if (this.#answers.size >= ANSWER_COUNT_LIMIT) this.#answers.clear();
    this.#answers.set(hostname, { addresses, freshUntil: this.#clock.now() + ANSWER_AGE_LIMIT_MS });
  }
}

/** The lookup of this process: one, because libuv's threads are there once. */
export const systemLookup: LookupFunction = new HostLookup(systemClock, (hostname, answered) => {
  lookup(hostname, { all: true }, (error, addresses) => answered(error, addresses ?? []));
}).lookup;

function notFound(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} has no address of the wanted family`), { code: "ENOTFOUND" });
}
