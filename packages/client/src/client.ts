// The client: puts endpoints, transport and the families of calls together.

import type { Dispatcher } from "undici";
import { Auth } from "./auth.ts";
import { systemClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { Endpoints } from "./endpoints.ts";
import type { EndpointOrder } from "./endpoints.ts";
import { ClientError } from "./errors.ts";
import { follow } from "./follow.ts";
import type { FollowEvent, FollowOptions } from "./follow.ts";
import { Keys } from "./keys.ts";
import { Members } from "./members.ts";
import { Requester } from "./requester.ts";
import type { RequestOptions, SentRequest, TimeoutCovers } from "./requester.ts";
import { decode } from "./decoder.ts";
import { healthDecoder, versionDecoder } from "./schemas.ts";
import type { Version } from "./schemas.ts";
import { Stats } from "./stats.ts";
import type { ServerOptions } from "./stats.ts";
import type { TlsOptions, Transport } from "./transport.ts";
import { watch } from "./watch.ts";
import type { WatchDeps, WatchEvent, WatchOptions } from "./watch.ts";

/** How to reach a cluster. */
export interface ClientOptions {
  /** Client URLs; `host:port` means http. At least one. */
  readonly endpoints: readonly string[];
  /** Which endpoint is asked first; default `random`. */
  readonly endpointOrder?: EndpointOrder | undefined;
  /**
   * Per endpoint, until the answer is complete, for a watch until it is accepted; default 10 s, which is more
   * than the 7 s after which a server itself gives up (client-api.md §16). 0: no limit.
   */
  readonly timeoutMs?: number | undefined;
  /** Whether `timeoutMs` covers the whole answer or its head only; default `answer`. */
  readonly timeoutCovers?: TimeoutCovers | undefined;
  /**
   * How often all endpoints are asked, with a growing pause in between, before a request fails that may be
   * repeated; default 3. 1: no pause and no second time.
   */
  readonly rounds?: number | undefined;
  /** The longest answer that is read; default 64 MiB. */
  readonly responseLimitBytes?: number | undefined;
  /** Sent with every request, as HTTP basic authentication. */
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** For https endpoints. */
  readonly tls?: TlsOptions | undefined;
  /** An undici dispatcher to use instead of an own one; it stays the caller's to close, and `tls` does not apply. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Another HTTP library altogether; closed with the client. `tls` and `dispatcher` do not apply. */
  readonly transport?: Transport | undefined;
  /** Called before each attempt, for a debug log. */
  readonly onRequest?: ((request: SentRequest) => void) | undefined;
  /** Timeouts and pauses go by it; default the real one. */
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1); default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

const TIMEOUT_MS = 10_000;
const ROUNDS = 3;
const RESPONSE_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * A client of one cluster.
 *
 * Requests go to one endpoint until it fails, then to the next. A write that may have been carried out is not
 * sent again, unless the call says it is idempotent. Any number of calls may be in flight.
 */
export class Client {
  /** Reads and writes of keys. */
  readonly keys: Keys;
  /** Who is in the cluster, and changes of that. */
  readonly members: Members;
  /** What the servers count. */
  readonly stats: Stats;
  /** Users, roles and the switch of authentication. */
  readonly auth: Auth;
  /** Time as this client sees it; the recipes wait by it. */
  readonly clock: Clock;
  /** Chance as this client sees it: uniform in [0, 1). */
  readonly random: () => number;
  readonly #endpoints: Endpoints;
  readonly #requester: Requester;
  readonly #watchDeps: WatchDeps;
  readonly #closed = new AbortController();
  readonly #openTransport: () => Promise<Transport>;
  #transport: Promise<Transport> | null;

  /** @throws {ClientError} E_CONFIG, E_NO_ENDPOINTS */
  constructor(options: ClientOptions) {
    const { clock = systemClock, random = Math.random, endpointOrder = "random" } = options;
    this.clock = clock;
    this.random = random;
    this.#endpoints = new Endpoints(options.endpoints, { order: endpointOrder, random });
    this.#transport = options.transport === undefined ? null : Promise.resolve(options.transport);
    this.#openTransport = () => openUndici(options.dispatcher ?? null, options.tls ?? null);
    this.#requester = new Requester({
      endpoints: this.#endpoints,
      transport: () => (this.#transport ??= this.#openTransport()),
      clock,
      random,
      rounds: atLeast("rounds", options.rounds ?? ROUNDS, 1),
      timeoutMs: atLeast("timeoutMs", options.timeoutMs ?? TIMEOUT_MS, 0),
      timeoutCovers: options.timeoutCovers ?? "answer",
      responseLimitBytes: atLeast(
        "responseLimitBytes",
        options.responseLimitBytes ?? RESPONSE_LIMIT_BYTES,
        1,
      ),
      authorization: options.credentials === undefined ? null : basicAuthorization(options.credentials),
      onRequest: options.onRequest ?? null,
      closed: this.#closed.signal,
    });
    this.#watchDeps = { requester: this.#requester, clock, random, closed: this.#closed.signal };
    this.keys = new Keys(this.#requester);
    this.members = new Members(this.#requester);
    this.stats = new Stats(this.#requester);
    this.auth = new Auth(this.#requester);
  }

  /** The endpoints in use, canonical. */
  get endpoints(): readonly string[] {
    return this.#endpoints.all;
  }

  /**
   * Replaces the endpoints by all client URLs that the members advertise, and returns them.
   *
   * @throws {ClientError} E_NO_ENDPOINTS if they advertise none; then nothing changes
   */
  async sync(options: RequestOptions = {}): Promise<readonly string[]> {
    const members = await this.members.list(options);
    const advertised = members.flatMap((member) => member.clientURLs);
    if (advertised.length === 0) {
      throw new ClientError("E_NO_ENDPOINTS", "etcd cluster has no published client endpoints");
    }
    this.#endpoints.replace(advertised);
    return this.endpoints;
  }

  /**
   * Changes of a key, one after the other, across reconnects and members.
   *
   * Each event is yielded once and in order. Where the server has forgotten some, a `gap` says which and the watch
   * goes on behind it, with what the server still has. Leaving the loop ends the watch.
   *
   * @throws {EtcdError} if the server refuses the watch
   * @throws {ClientError} after `reconnectLimit` failures in a row, or if the client is closed
   * @throws signal.reason
   */
  watch(key: string, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, void> {
    return watch(this.#watchDeps, key, options);
  }

  /**
   * A key as it is, then its changes, and as it is again wherever changes were missed.
   *
   * Applying what is yielded in order gives the server's state, whatever breaks on the way: a state is read
   * through consensus and the events go on right behind it. It does not end by itself.
   *
   * @throws {EtcdError} if the server refuses the read or the watch
   * @throws {ClientError} if the client is closed
   * @throws signal.reason
   */
  follow(key: string, options: FollowOptions = {}): AsyncGenerator<FollowEvent, never, void> {
    return follow(this, key, options);
  }

  /** What the server and the cluster run. */
  async version(options: ServerOptions = {}): Promise<Version> {
    const { endpoint } = options;
    return decode(
      versionDecoder,
      await this.#requester.send({ method: "GET", path: "/version", isSafe: true, endpoint, options }),
    );
  }

  /** True if the server that answers has a leader and makes progress. */
  async health(options: ServerOptions = {}): Promise<boolean> {
    const { endpoint } = options;
    const accept = [503]; // 2.3.8 answers {"health": "false"} with this status.
    const answer = await this.#requester.send({
      method: "GET",
      path: "/health",
      isSafe: true,
      endpoint,
      accept,
      options,
    });
    return decode(healthDecoder, answer).health === "true";
  }

  /** Ends what is in flight, which then throws E_CLOSED, and all connections. May be called twice. */
  async close(): Promise<void> {
    this.#closed.abort(new ClientError("E_CLOSED", "the client is closed"));
    if (this.#transport !== null) await (await this.#transport).close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function openUndici(dispatcher: Dispatcher | null, tls: TlsOptions | null): Promise<Transport> {
  const { UndiciTransport } = await import("./undici-transport.ts");
  return new UndiciTransport({ dispatcher, tls });
}

function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function atLeast(name: string, value: number, minimum: number): number {
  if (value >= minimum && !Number.isNaN(value)) return value;
  throw new ClientError("E_CONFIG", `${name} must be at least ${minimum}, got ${value}`);
}
