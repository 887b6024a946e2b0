// Bodies of large directories: printed a slice in each turn of the event loop, some listings by turns, so that a
// million keys hold nobody up. Readers of the same directory at the same index share one body, and later ones have it
// too until something is written, unless it is longer than 16 MiB or has a TTL in it.

import type { Listing } from "@kv/store";
import { KeptBodies } from "./kept-bodies.ts";
import { ListingPrinter } from "./listing-printer.ts";

/** Listings that take turns; more wait until one of them is done, so that not all are in memory half printed. */
const TURNS_MAX = 4;

/** Who asks, and for what beside the path. */
export interface ListingRequest {
  readonly recursive: boolean;
  readonly sorted: boolean;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

type Body = readonly Uint8Array[];

interface Kept {
  readonly index: number;
  readonly pieces: Body;
  readonly sizeBytes: number;
}

/** A listing that is being printed, or is to be. */
interface Job {
  readonly key: string;
  readonly listing: Listing;
  readonly printer: ListingPrinter;
  readonly slices: Generator<void, void, void>;
  readonly body: PromiseWithResolvers<Body>;
  /** Who still waits for it. */
  readerCount: number;
}

/** Prints listings. */
export class Listings {
  readonly #defer: (callback: () => void) => void;
  readonly #kept = new KeptBodies<Kept>();
  /** In the order in which they came; the first ones take turns. */
  #jobs: Job[] = [];
  #turn = 0;
  #isDeferred = false;

  /** `defer` calls back in the next turn of the event loop. */
  constructor(defer: (callback: () => void) => void = setImmediate) {
    this.#defer = defer;
  }

  /**
   * The body for a listing, in pieces that must not be changed. The listing is walked, or closed, here. Empty when all
   * who wait for it are gone.
   */
  body(listing: Listing, request: ListingRequest): Body | Promise<Body> {
    const { index, path } = listing;
    const key = `${request.recursive ? "r" : ""}${request.sorted ? "s" : ""}${path}`;
    const kept = this.#kept.find(key);
    if (kept?.index === index) {
      listing.close();
      return kept.pieces;
    }
    // What is printed from now on has TTLs of now; what was printed before might not.
    const shared = this.#jobs.find(
      (job) => job.key === key && job.listing.index === index && !job.printer.hasTtl,
    );
    if (shared === undefined) return this.#wait(this.#begin(key, listing), request);
    listing.close();
    return this.#wait(shared, request);
  }

  #begin(key: string, listing: Listing): Job {
    const printer = new ListingPrinter(listing.path);
    const slices = listing.slices(printer);
    const job = { key, listing, printer, slices, body: Promise.withResolvers<Body>(), readerCount: 0 };
    this.#jobs.push(job);
    this.#goOn();
    return job;
  }

  /** A job goes on as long as somebody waits for it. */
  #wait(job: Job, { signal }: ListingRequest): Promise<Body> {
    const leave = (): void => {
      if (--job.readerCount === 0) this.#drop(job);
    };
    job.readerCount++;
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    return job.body.promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #drop(job: Job): void {
    this.#remove(job);
    job.listing.close();
    job.body.resolve([]);
  }

  #goOn(): void {
    if (this.#isDeferred || this.#jobs.length === 0) return;
    this.#isDeferred = true;
    this.#defer(() => {
      this.#isDeferred = false;
      this.#step();
      this.#goOn();
    });
  }

  /** One slice of the listing whose turn it is. */
  #step(): void {
    this.#turn = (this.#turn + 1) % Math.min(TURNS_MAX, Math.max(this.#jobs.length, 1));
    const job = this.#jobs[this.#turn];
    if (job === undefined) return;
    try {
      if (job.slices.next().done === true) this.#finish(job);
      else job.printer.cut();
    } catch (error) {
      this.#remove(job);
      job.body.reject(error);
    }
  }

  #finish(job: Job): void {
    const { key, listing, printer, body } = job;
    this.#remove(job);
    const { pieces, sizeBytes } = printer.finish();
    if (!printer.hasTtl) this.#kept.keep(key, { index: listing.index, pieces, sizeBytes });
    body.resolve(pieces);
  }

  #remove(job: Job): void {
    this.#jobs = this.#jobs.filter((other) => other !== job);
  }
}
