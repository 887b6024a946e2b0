// The statistics a server keeps. Client-api.md §12. They are per server: with several endpoints say which.

import { ClientError } from "./errors.ts";
import type { Answer, RequestOptions, Requester } from "./requester.ts";
import { decode } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import { leaderStatsDecoder, selfStatsDecoder, storeStatsDecoder } from "./schemas.ts";
import type { LeaderStats, SelfStats, StoreStats } from "./schemas.ts";

/** A request that may be meant for one server. */
export interface ServerOptions extends RequestOptions {
  /** Ask this endpoint only. */
  readonly endpoint?: string | undefined;
}

/** How far a server is. */
export interface RaftPosition {
  /** The store index. */
  readonly etcdIndex: number;
  /** Index of the last log entry that the server has applied; etcd 3 tells that of the last committed one. */
  readonly raftIndex: number;
  /** Term of that entry. */
  readonly raftTerm: number;
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

  /**
   * How far a server is: its store and its log. Needs permission to read the root, where users are asked for.
   *
   * @throws {ClientError} E_BAD_RESPONSE if the server does not say it
   */
  async raft({ endpoint, ...options }: ServerOptions = {}): Promise<RaftPosition> {
    const request = { method: "HEAD", path: "/v2/keys/", isSafe: true, endpoint, options } as const;
    const { header } = await this.#requester.send(request);
    return {
      etcdIndex: indexIn(header, "x-etcd-index"),
      raftIndex: indexIn(header, "x-raft-index"),
      raftTerm: indexIn(header, "x-raft-term"),
    };
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

function indexIn(header: Answer["header"], name: string): number {
  const text = header(name) ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  throw new ClientError("E_BAD_RESPONSE", `the answer has no usable header ${name}`);
}
