// The heartbeat of the recipes: refreshes the TTL of a key that holds a value of its own, and says so when
// that is over.
//
//   send refresh ─┬─ done ──► life starts anew at the moment of sending; again after a third of the TTL
//                 ├─ broken ► again soon; when the life is over: lost
//                 └─ refused (key gone, other value) ► lost
//
// The server counts the TTL from when it receives the request, which is after it was sent; so as long as the
// clocks of client and servers run equally fast, the life ends here before it ends there.

import { pause } from "../clock.ts";
import type { Client } from "../client.ts";
import { ClientError, EtcdError, EtcdErrorCode } from "../errors.ts";
import type { RequestOptions } from "../requester.ts";
import { backoffMs, insist, isMendable } from "../retry.ts";

/** A key and what it holds while it is ours. */
export interface OwnKey {
  readonly key: string;
  /** Written by nobody else, unless it is meant to be shared. */
  readonly value: string;
  /** Seconds. */
  readonly ttl: number;
}

// Of the TTL. Less than all of it: servers compare their clocks with each other's, and expire every half second.
const LIFE = 0.8;
const REFRESH_EVERY = 1 / 3;
// Several endpoints can be asked before the life is over, also when the first ones are silent.
const REQUEST_TIMEOUT = 1 / 6;

/** Keeps one key alive; at most one request is in flight. */
export class KeepAlive {
  readonly #client: Client;
  readonly #own: OwnKey;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  readonly #confirmed = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #cancelLife: () => void;

  private constructor(client: Client, own: OwnKey) {
    this.#client = client;
    this.#own = own;
    this.#cancelLife = this.#startLife();
    this.#running = this.#run();
  }

  /**
   * Starts, and resolves when the key has been refreshed once: then it is ours for a whole TTL.
   *
   * @throws {ClientError} E_LOST
   * @throws signal.reason
   */
  static async start(client: Client, own: OwnKey, signal: AbortSignal | undefined): Promise<KeepAlive> {
    signal?.throwIfAborted();
    const keepAlive = new KeepAlive(client, own);
    const abort = (): void => keepAlive.#confirmed.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await keepAlive.#confirmed.promise;
      return keepAlive;
    } catch (error) {
      await keepAlive.stop();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Aborted, with a ClientError E_LOST, when the key may be gone. Not aborted by `stop`. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends the heartbeat and leaves the key to its TTL. May be called twice. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
    this.#cancelLife();
  }

  /**
   * Ends the heartbeat and removes the key; resolves when it is gone, or must have outlived its TTL. After a
   * failure it may be called again.
   *
   * @throws what the server refuses for another reason than that the key is gone
   * @throws signal.reason
   */
  async remove({ signal }: Pick<RequestOptions, "signal"> = {}): Promise<void> {
    const lost = this.#lost.signal;
    const over = signal === undefined ? lost : AbortSignal.any([lost, signal]);
    this.#ended.abort();
    await this.#running;
    try {
      await insist(this.#client, over, () => this.#delete(over));
      this.#cancelLife();
    } catch (error) {
      // With the life over there is nothing left to remove. Until then it goes on: another call ends with it.
      if (!lost.aborted) throw error;
    }
  }

  async #delete(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.keys.compareAndDelete(this.#own.key, {
        prevValue: this.#own.value,
        idempotent: true,
        signal,
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#client;
    const intervalMs = this.#own.ttl * 1_000 * REFRESH_EVERY;
    for (let failures = 0; !this.#ended.signal.aborted;) {
      const cancelNextLife = this.#startLife();
      const failure = await this.#refresh();
      if (failure === null) {
        this.#cancelLife();
        this.#cancelLife = cancelNextLife;
        this.#confirmed.resolve();
        failures = 0;
      } else {
        cancelNextLife();
        if (!isMendable(failure)) this.#lose(failure);
        failures++;
      }
      const delayMs = failures === 0 ? intervalMs : Math.min(backoffMs(failures, random), intervalMs);
      // Rejects when this has ended, and then the loop is over.
      await pause(clock, delayMs, this.#ended.signal).catch(() => undefined);
    }
  }

  /** What went wrong, or null. */
  async #refresh(): Promise<unknown> {
    const { key, value, ttl } = this.#own;
    const timeoutMs = ttl * 1_000 * REQUEST_TIMEOUT;
    try {
      // Twice is as good as once, so an unknown outcome is no reason to wait.
      const options = { refresh: true, ttl, prevValue: value, idempotent: true, timeoutMs };
      await this.#client.keys.set(key, "", { ...options, signal: this.#ended.signal });
      return null;
    } catch (error) {
      return error;
    }
  }

  #startLife(): () => void {
    const lifeMs = this.#own.ttl * 1_000 * LIFE;
    return this.#client.clock.after(lifeMs, () => this.#lose(null));
  }

  #lose(cause: unknown): void {
    if (this.#lost.signal.aborted || (cause !== null && this.#ended.signal.aborted)) return;
    const { key, ttl } = this.#own;
    const reason = cause instanceof Error ? cause.message : `not refreshed within its TTL of ${ttl} s`;
    const error = new ClientError("E_LOST", `${key} is lost: ${reason}`, { cause });
    this.#cancelLife();
    this.#lost.abort(error);
    this.#ended.abort();
    this.#confirmed.reject(error);
  }
}

/** Whether a conditional write says that the key is not there, or holds something else. */
export function isGone(error: unknown): boolean {
  return (
    error instanceof EtcdError &&
    [EtcdErrorCode.KeyNotFound, EtcdErrorCode.CompareFailed].some((code) => code === error.errorCode)
  );
}

/** Whether what was held is lost, as opposed to a failure of something else. */
export function isLost(error: unknown): boolean {
  return error instanceof ClientError && error.code === "E_LOST";
}

/** @throws {ClientError} E_CONFIG unless a heartbeat can keep such a TTL */
export function checkTtl(ttl: number): void {
  if (Number.isInteger(ttl) && ttl >= 1) return;
  throw new ClientError("E_CONFIG", `ttl must be a whole number of seconds, at least 1, got ${ttl}`);
}
