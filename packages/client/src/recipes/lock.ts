// A fair lock: who wants it makes an in-order key with a TTL in a directory; the lowest key has the lock.
//
//   POST directory ──► my key ──► lowest? ─ yes ─► held, until released or not refreshed in time
//                                    │ no
//                                    └─► watch the key just below mine, look again when it changes
//
// Why there is one holder: createdIndex orders all keys of the directory for ever, and no key is ever created
// below an existing one. So the lowest key stays the lowest until it is removed, and whoever sees itself as
// the lowest by a quorum read holds the lock until its own key is removed. The same order makes createdIndex a
// fencing token: each holder's is larger than those of all holders before it.

import { pause } from "../clock.ts";
import type { Client } from "../client.ts";
import { ClientError } from "../errors.ts";
import { readState } from "../follow.ts";
import type { RequestOptions } from "../requester.ts";
import { backoffMs, insist, isMendable } from "../retry.ts";
import type { Node } from "../schemas.ts";
import { KeepAlive, checkTtl, isGone, isLost } from "./keep-alive.ts";

/** Options of {@link lock}. */
export interface LockOptions {
  /** Seconds after which the lock is free again when its holder has died; at least 1. */
  readonly ttl: number;
  /** Stored with the key, behind a unique identifier and a slash, for people who look. */
  readonly label?: string | undefined;
  /**
   * Per endpoint and request, for a watch until it is accepted; default that of the client. 0: no limit. A
   * heartbeat has a limit of its own, a sixth of the TTL.
   */
  readonly timeoutMs?: number | undefined;
  /** Ends waiting; `lock` then rejects with `signal.reason` and gives its place up. */
  readonly signal?: AbortSignal | undefined;
}

/** A lock that is held. Release it, or let `await using` do it. */
export class Lock implements AsyncDisposable {
  /** The key that stands for this holder. */
  readonly key: string;
  /**
   * Larger than that of every earlier holder. Hand it to what the lock protects and let that refuse smaller
   * ones: only this is safe against a holder that was stopped for longer than its TTL.
   */
  readonly fencingIndex: number;
  readonly #keepAlive: KeepAlive;

  /** Comes from {@link lock}. */
  constructor(place: Place, keepAlive: KeepAlive) {
    this.key = place.key;
    this.fencingIndex = place.createdIndex;
    this.#keepAlive = keepAlive;
  }

  /** Aborted, with a ClientError E_LOST, when somebody else may have the lock. */
  get signal(): AbortSignal {
    return this.#keepAlive.lost;
  }

  /**
   * Resolves when the lock is free for the next one. May be called twice.
   *
   * @throws signal.reason; there is no heartbeat any more then, so the lock is free when its TTL is over
   * @throws what the server refuses
   */
  async release(options: Pick<RequestOptions, "signal"> = {}): Promise<void> {
    await this.#keepAlive.remove(options);
  }

  /** The same as `release`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

// Aborting must not take long, and a key that is left behind expires.
const GIVE_UP_TIMEOUT_MS = 1_000;

/** A key in the directory of a lock. */
export type Place = Pick<Node, "key" | "createdIndex">;

/**
 * Waits for the lock that `directory` stands for, in the order in which clients asked.
 *
 * A client that is cut off while it waits, for longer than the TTL, queues up again at the end.
 *
 * @throws {EtcdError} if the server refuses; {ClientError} E_CONFIG, E_CLOSED
 * @throws signal.reason
 */
export async function lock(client: Client, directory: string, options: LockOptions): Promise<Lock> {
  const { ttl, label = "", signal, timeoutMs } = options;
  checkTtl(ttl);
  const value = `${globalThis.crypto.randomUUID()}/${label}`;
  for (;;) {
    signal?.throwIfAborted();
    const place = await takePlace(client, directory, { value, ttl, signal, timeoutMs });
    let keepAlive: KeepAlive | null = null;
    try {
      keepAlive = await KeepAlive.start(client, { key: place.key, value, ttl }, signal);
      await waitForTurn(client, directory, place, { signal: ended(keepAlive.lost, signal), timeoutMs });
      return new Lock(place, keepAlive);
    } catch (error) {
      const isAborted = signal?.aborted === true;
      if (isLost(error) && !isAborted) continue;
      await keepAlive?.stop();
      await giveUp(client, place, value);
      throw error;
    }
  }
}

/** The files of the directory, the oldest first. */
export async function readPlaces(
  client: Client,
  directory: string,
  options: RequestOptions,
): Promise<{ readonly places: readonly Node[]; readonly etcdIndex: number }> {
  const { node, etcdIndex } = await insist(client, options.signal, () =>
    readState(client, directory, options),
  );
  return { places: oldestFirst(node), etcdIndex };
}

/** The files in a directory, in the order of their making. */
export function oldestFirst(directory: Node | null): readonly Node[] {
  const files = (directory?.nodes ?? []).filter((child) => !child.dir);
  return files.toSorted((a, b) => a.createdIndex - b.createdIndex);
}

/**
 * Makes a key with this value, which nobody else writes, and returns it.
 *
 * Creating is not idempotent. After an unknown outcome the directory is read, and the value tells whether a key
 * was made; only if there is none another one is. One that is made late has the same value and no heartbeat.
 */
async function takePlace(
  client: Client,
  directory: string,
  { value, ttl, ...options }: RequestOptions & { readonly value: string; readonly ttl: number },
): Promise<Place> {
  const { signal } = options;
  for (let failures = 1; ; failures++) {
    try {
      await client.keys.createInOrder(directory, value, { ttl, ...options });
    } catch (error) {
      if (!isMendable(error)) throw error;
      await pause(client.clock, backoffMs(failures, client.random), signal ?? new AbortController().signal);
    }
    const { places } = await readPlaces(client, directory, options);
    const [own, ...others] = places.filter((place) => place.value === value);
    for (const { key } of others) await removeIfThere(client, key, value, options);
    if (own !== undefined) return own;
  }
}

/** @throws {ClientError} E_LOST if the place is gone */
async function waitForTurn(
  client: Client,
  directory: string,
  place: Place,
  options: RequestOptions,
): Promise<void> {
  for (;;) {
    const { places, etcdIndex } = await readPlaces(client, directory, options);
    const position = places.findIndex(({ key }) => key === place.key);
    if (position === 0) return;
    const before = places[position - 1];
    if (before === undefined) throw new ClientError("E_LOST", `${place.key} is lost: it is not there`);
    // Whatever happens to it, a gap included, is a reason to look again.
    await client.watch(before.key, { from: etcdIndex + 1, ...options }).next();
  }
}

async function giveUp(client: Client, place: Place, value: string): Promise<void> {
  try {
    await removeIfThere(client, place.key, value, { signal: AbortSignal.timeout(GIVE_UP_TIMEOUT_MS) });
  } catch {
    // The reason for giving up matters more, and without a heartbeat the key expires.
  }
}

async function removeIfThere(
  client: Client,
  key: string,
  value: string,
  options: RequestOptions,
): Promise<void> {
  try {
    await client.keys.compareAndDelete(key, { prevValue: value, idempotent: true, ...options });
  } catch (error) {
    if (!isGone(error) && !isMendable(error)) throw error;
  }
}

function ended(lost: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? lost : AbortSignal.any([lost, signal]);
}
