// A key and its changes without a seam: read through consensus, watch from the next index on, and read
// again where the server has forgotten what came between.
//
//   read at index i ──► state ──► watch from i + 1 ──► event, event, …
//        ▲                                               │
//        └──────────────────── gap ◄─────────────────────┘

import type { Client } from "./client.ts";
import { EtcdError, EtcdErrorCode } from "./errors.ts";
import type { KeyResult } from "./keys.ts";
import type { RequestOptions } from "./requester.ts";
import { insist } from "./retry.ts";
import type { Node } from "./schemas.ts";

/** The key at one store index. */
export interface KeyState {
  readonly type: "state";
  /** Null when there is no such key. */
  readonly node: Node | null;
  /** All changes up to this store index are in the state, none behind it. */
  readonly etcdIndex: number;
}

/** What a follower sees: a state first, then events, and a state again in place of missed events. */
export type FollowEvent = KeyState | (KeyResult & { readonly type: "event" });

/** Options of {@link Client.follow}. */
export interface FollowOptions {
  /** Also everything below the key. */
  readonly recursive?: boolean | undefined;
  /** Per endpoint and request, for a watch until it is accepted; default that of the client. 0: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Ends it; the loop then throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** See {@link Client.follow}. */
export async function* follow(
  client: Client,
  key: string,
  { recursive, timeoutMs, signal }: FollowOptions,
): AsyncGenerator<FollowEvent, never, void> {
  const options = { recursive, timeoutMs, signal };
  for (;;) {
    const state = await insist(client, signal, () => readState(client, key, options));
    yield state;
    for await (const event of client.watch(key, { ...options, from: state.etcdIndex + 1 })) {
      if (event.type === "gap") break;
      yield event;
    }
  }
}

/** The key as consensus has it; that it is not there is a state too. */
export async function readState(
  client: Client,
  key: string,
  options: RequestOptions & { readonly recursive?: boolean | undefined },
): Promise<KeyState> {
  try {
    const { node, etcdIndex } = await client.keys.get(key, { ...options, quorum: true });
    return { type: "state", node, etcdIndex };
  } catch (error) {
    const isMissing = error instanceof EtcdError && error.errorCode === EtcdErrorCode.KeyNotFound;
    if (!isMissing || error.index === null) throw error;
    return { type: "state", node: null, etcdIndex: error.index };
  }
}
