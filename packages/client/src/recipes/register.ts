// Registration of a service: a key that is there as long as the process that wrote it, and a while longer.
//
//   set key=value ttl ──► refresh, refresh, … ──► key gone (cut off for longer than the TTL): write it again
//                                            └──► somebody else's value: taken, the end

import type { Client } from "../client.ts";
import { ClientError, EtcdError, EtcdErrorCode } from "../errors.ts";
import { readState } from "../follow.ts";
import type { RequestOptions } from "../requester.ts";
import { insist } from "../retry.ts";
import { KeepAlive, checkTtl, isLost } from "./keep-alive.ts";
import type { OwnKey } from "./keep-alive.ts";

/** Options of {@link register}. */
export interface RegisterOptions {
  /** Seconds that the key outlives its process; at least 1. */
  readonly ttl: number;
  /** Per endpoint and write; default that of the client. 0: no limit. A heartbeat has a sixth of the TTL. */
  readonly timeoutMs?: number | undefined;
  /** Ends the first write. */
  readonly signal?: AbortSignal | undefined;
}

/** A service that is registered; disposing of it removes the key. */
export class Registration implements AsyncDisposable {
  /** As given to {@link register}. */
  readonly key: string;
  /** As given to {@link register}. */
  readonly value: string;
  readonly #client: Client;
  readonly #ttl: number;
  readonly #timeoutMs: number | undefined;
  readonly #taken = new AbortController();
  readonly #closed = new AbortController();
  readonly #running: Promise<void>;
  #keepAlive: KeepAlive;

  /** Comes from {@link register}. */
  constructor(client: Client, own: OwnKey, keepAlive: KeepAlive, timeoutMs: number | undefined) {
    this.#client = client;
    this.key = own.key;
    this.value = own.value;
    this.#ttl = own.ttl;
    this.#timeoutMs = timeoutMs;
    this.#keepAlive = keepAlive;
    this.#running = this.#run();
  }

  /** Aborted when this ends by itself: ClientError E_TAKEN, or what the server refuses. */
  get signal(): AbortSignal {
    return this.#taken.signal;
  }

  /**
   * Removes the key, if it still has this value. May be called twice.
   *
   * @throws signal.reason; the key then goes when its TTL is over
   * @throws what the server refuses
   */
  async close(options: Pick<RequestOptions, "signal"> = {}): Promise<void> {
    this.#closed.abort();
    await this.#running;
    await this.#keepAlive.remove(options);
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Writes the key anew each time it is lost. */
  async #run(): Promise<void> {
    const own = { key: this.key, value: this.value, ttl: this.#ttl };
    const options = { timeoutMs: this.#timeoutMs, signal: this.#closed.signal };
    try {
      for (;;) {
        await aborted(AbortSignal.any([this.#keepAlive.lost, this.#closed.signal]));
        if (this.#closed.signal.aborted) return;
        await createAgain(this.#client, own, options);
        this.#keepAlive = (await startAgain(this.#client, own, this.#closed.signal)) ?? this.#keepAlive;
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#taken.abort(error);
    }
  }
}

/**
 * Writes `value` under `key`, whatever was there, and keeps it there.
 *
 * A write whose answer was lost is sent again, and the first one may be carried out after the second, even after
 * `close`: it then puts this value in place of a successor's, or back for one TTL. See the README for guards.
 *
 * A key that expired because the cluster was out of reach is written again. Processes that must not share a key
 * need different keys, or different values.
 *
 * @throws {EtcdError} if the server refuses; {ClientError} E_CONFIG, E_CLOSED, or E_LOST if the key was overwritten at once
 * @throws signal.reason
 */
export async function register(
  client: Client,
  key: string,
  value: string,
  { ttl, timeoutMs, signal }: RegisterOptions,
): Promise<Registration> {
  checkTtl(ttl);
  if (value === "") throw new ClientError("E_CONFIG", "a registration needs a value");
  const options = { ttl, idempotent: true, timeoutMs, signal };
  await insist(client, signal, () => client.keys.set(key, value, options));
  const own = { key, value, ttl };
  return new Registration(client, own, await KeepAlive.start(client, own, signal), timeoutMs);
}

/** @throws {ClientError} E_TAKEN */
async function createAgain(
  client: Client,
  { key, value, ttl }: OwnKey,
  options: RequestOptions,
): Promise<void> {
  const { signal } = options;
  try {
    await insist(client, signal, () => client.keys.create(key, value, { ttl, idempotent: true, ...options }));
  } catch (error) {
    if (!(error instanceof EtcdError && error.errorCode === EtcdErrorCode.KeyExists)) throw error;
    const { node } = await insist(client, signal, () => readState(client, key, options));
    // It may be our own, of a write whose answer was lost; or be gone again, and then the heartbeat finds out.
    if (node === null || node.value === value) return;
    throw new ClientError("E_TAKEN", `${key} holds the value of somebody else`, { cause: error });
  }
}

/** A new heartbeat, or null if the key is lost again already. */
async function startAgain(client: Client, own: OwnKey, signal: AbortSignal): Promise<KeepAlive | null> {
  try {
    return await KeepAlive.start(client, own, signal);
  } catch (error) {
    if (isLost(error)) return null;
    throw error;
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) await promise;
}
