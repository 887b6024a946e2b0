// The statistics a server keeps. Client-api.md §12. They are per server: with several endpoints say which.

import type { RequestOptions, Requester } from "./requester.ts";
import { decode, leaderStatsDecoder, selfStatsDecoder, storeStatsDecoder } from "./schemas.ts";
import type { Decoder, LeaderStats, SelfStats, StoreStats } from "./schemas.ts";

/** A request that may be meant for one server. */
export interface ServerOptions extends RequestOptions {
  /** Ask this endpoint only. */
  readonly endpoint?: string | undefined;
}

/** Reads statistics. */
export class Stats {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** The server itself: name, id, role and append traffic. */
  self(options: ServerOptions = {}): Promise<SelfStats> {
    return this.#get("self", selfStatsDecoder, options);
  }

  /**
   * The followers as the leader sees them.
   *
   * @throws {EtcdError} status 403 if the server is not the leader
   */
  leader(options: ServerOptions = {}): Promise<LeaderStats> {
    return this.#get("leader", leaderStatsDecoder, options);
  }

  /** Counts of store operations. */
  store(options: ServerOptions = {}): Promise<StoreStats> {
    return this.#get("store", storeStatsDecoder, options);
  }

  async #get<T>(name: string, decoder: Decoder<T>, options: ServerOptions): Promise<T> {
    const { endpoint } = options;
    return decode(
      decoder,
      await this.#requester.send({
        method: "GET",
        path: `/v2/stats/${name}`,
        isSafe: true,
        endpoint,
        options,
      }),
    );
  }
}
