// Bodies of large directories: printed a slice in each turn of the event loop, all listings by turns, so that a
// million keys hold nobody up. Readers of the same directory at the same index share one body, also later, as long
// as nothing has been written anywhere.

import type { Listing } from "@kv/store";
import { KeptBodies } from "./kept-bodies.ts";
import { ListingPrinter } from "./listing-printer.ts";

/** What is shown beside the path. */
export interface Shown {
  readonly recursive: boolean;
  readonly sorted: boolean;
}

interface Kept {
  readonly index: number;
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
}

/** A listing that is being printed. */
interface Job {
  readonly key: string;
  readonly index: number;
  readonly printer: ListingPrinter;
  readonly slices: Generator<void, void, void>;
  readonly body: PromiseWithResolvers<readonly Uint8Array[]>;
}

/** Prints listings. */
export class Listings {
  readonly #defer: (callback: () => void) => void;
  readonly #kept = new KeptBodies<Kept>();
  /** In the order in which they have their turns. */
  readonly #jobs: Job[] = [];

  /** `defer` calls back in the next turn of the event loop. */
  constructor(defer: (callback: () => void) => void = setImmediate) {
    this.#defer = defer;
  }

  /** The body for a listing, in pieces that must not be changed. The listing is walked, or closed, here. */
  body(
    listing: Listing,
    { recursive, sorted }: Shown,
  ): readonly Uint8Array[] | Promise<readonly Uint8Array[]> {
    const { index, path } = listing;
    const key = `${recursive ? "r" : ""}${sorted ? "s" : ""}${path}`;
    const kept = this.#kept.find(key);
    if (kept?.index === index) {
      listing.close();
      return kept.pieces;
    }
    // What is printed from now on has TTLs of now; what was printed before might not.
    const shared = this.#jobs.find((job) => job.key === key && job.index === index && !job.printer.hasTtl);
    if (shared !== undefined) {
      listing.close();
      return shared.body.promise;
    }
    const printer = new ListingPrinter(path);
    const body = Promise.withResolvers<readonly Uint8Array[]>();
    this.#jobs.push({ key, index, printer, slices: listing.slices(printer), body });
    if (this.#jobs.length === 1) this.#defer(() => this.#step());
    return body.promise;
  }

  /** One slice of the listing whose turn it is. */
  #step(): void {
    const job = this.#jobs.shift();
    if (job === undefined) return;
    try {
      if (job.slices.next().done === true) this.#finish(job);
      else {
        job.printer.cut();
        this.#jobs.push(job);
      }
    } catch (error) {
      job.body.reject(error);
    }
    if (this.#jobs.length > 0) this.#defer(() => this.#step());
  }

  #finish({ key, index, printer, body }: Job): void {
    const { pieces, sizeBytes } = printer.finish();
    if (!printer.hasTtl) this.#kept.keep(key, { index, pieces, sizeBytes });
    body.resolve(pieces);
  }
}
