// What the operations of a store take. Conditions and times come from the request, through the log.

import type { Now } from "./node-extern.ts";
import type { UnixNanos } from "./timestamp.ts";

/** What a new store is made of. */
export interface StoreOptions {
  /** Top directories that exist from the start and are as read-only as the root, such as `/0` and `/1`. */
  readonly namespaces?: readonly string[];
  /** Used for the printed `ttl` only, never for the state. */
  readonly now: Now;
}

/** Options of a read. */
export interface GetOptions {
  /** All levels below a directory instead of one. */
  readonly recursive: boolean;
  /** Children in byte order of their keys; else in no particular order. */
  readonly sorted: boolean;
}

/** Options of a plain write. */
export interface SetOptions {
  readonly dir: boolean;
  /** Ignored for a directory and on refresh. A slice of a longer string keeps that alive. */
  readonly value: string;
  /** null: permanent. */
  readonly expiration: UnixNanos | null;
  /** Keep the value, renew the TTL, tell no watcher. */
  readonly refresh: boolean;
}

/** Options of a create. */
export interface CreateOptions {
  readonly dir: boolean;
  readonly value: string;
  /** Append the next index, 20 digits, as the name of the new key (POST). */
  readonly unique: boolean;
  readonly expiration: UnixNanos | null;
}

/** Options of an update. */
export interface UpdateOptions {
  readonly value: string;
  readonly expiration: UnixNanos | null;
  readonly refresh: boolean;
}

/** Options of a delete; `recursive` implies `dir`. */
export interface DeleteOptions {
  readonly dir: boolean;
  readonly recursive: boolean;
}

/** What must be true for a compare to succeed; "" and 0 are not checked. */
export interface Condition {
  readonly prevValue: string;
  /** Compared with modifiedIndex. */
  readonly prevIndex: number | bigint;
}

/** Options of a compare-and-swap. */
export interface CompareAndSwapOptions extends Condition, UpdateOptions {}

/** Options of a watch. */
export interface WatchOptions {
  /** Keys below as well, hidden ones excepted. */
  readonly recursive: boolean;
  /** Go on after the first event. */
  readonly stream: boolean;
  /** The first index of interest; 0 is the next one. */
  readonly since: number | bigint;
}
