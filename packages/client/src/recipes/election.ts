// Leader election: the holder of a lock is the leader, and the value beside its key says who that is.

import type { Client } from "../client.ts";
import type { RequestOptions } from "../requester.ts";
import type { Node } from "../schemas.ts";
import { lock, oldestFirst, readPlaces } from "./lock.ts";
import type { Lock, LockOptions } from "./lock.ts";

/** Who leads. */
export interface Leader {
  /** As given to {@link campaign}. */
  readonly value: string;
  /** Larger than that of every earlier leader. */
  readonly fencingIndex: number;
  /** The in-order key that it leads by, below the directory: that of its {@link Lock}. */
  readonly key: string;
}

/**
 * Waits until this candidate leads; `value` says who it is.
 *
 * Releasing the lock resigns; its signal says when leadership is lost. Everything else is as for {@link lock}.
 */
export async function campaign(
  client: Client,
  directory: string,
  value: string,
  options: Omit<LockOptions, "label">,
): Promise<Lock> {
  return lock(client, directory, { ...options, label: value });
}

/**
 * Who leads now, by a quorum read; null if nobody does.
 *
 * @throws {EtcdError} if the server refuses; signal.reason
 */
export async function leader(
  client: Client,
  directory: string,
  options: RequestOptions = {},
): Promise<Leader | null> {
  const { places } = await readPlaces(client, directory, options);
  return leaderOf(places);
}

/**
 * Who leads now, and whoever leads next; null while nobody does.
 *
 * A leader that lasted for less than it takes to look may be left out; the latest one never is.
 *
 * @throws signal.reason
 */
export async function* leaders(
  client: Client,
  directory: string,
  options: RequestOptions = {},
): AsyncGenerator<Leader | null, void, void> {
  const { signal, timeoutMs } = options;
  let last: Leader | null | undefined;
  for await (const change of client.follow(directory, { recursive: true, timeoutMs, signal })) {
    // Who is lowest after an event depends on all others, so they are read.
    const now =
      change.type === "state" ? leaderOf(oldestFirst(change.node)) : await leader(client, directory, options);
    if (last !== undefined && last?.key === now?.key) continue;
    last = now;
    yield now;
  }
}

function leaderOf(places: readonly Node[]): Leader | null {
  const [lowest] = places;
  if (lowest === undefined) return null;
  const label = lowest.value ?? "";
  return {
    value: label.slice(label.indexOf("/") + 1),
    fencingIndex: lowest.createdIndex,
    key: lowest.key,
  };
}
