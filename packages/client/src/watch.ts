// A watch that outlives its connections: one long poll after the other, each starting where the last
// event ended, so that nothing is missed or seen twice.
//
//   poll waitIndex=next ──► event: yield, next = modifiedIndex + 1
//        ▲             ├──► 401, history cleared: yield a gap, next = oldest index that is kept
//        │             │    401 again, right behind a gap: yield a gap, next = index of the server + 1
//        └── back off ─┴──► broken: same next
//
// The second 401 in a row gives the kept events up: a server that forgets the oldest event faster than it is
// asked for it would answer 401 for ever.
//
// Long polls and not `stream=true`: a stream of etcd 2.3.8 with a waitIndex in the past falls silent after
// one event, and a slow one is dropped without a sign (client-api.md §3.7).

import { pause } from "./clock.ts";
import { ClientError, EtcdError, EtcdErrorCode } from "./errors.ts";
import { etcdIndexOf, keyResult, keysUrl } from "./keys.ts";
import type { KeyResult } from "./keys.ts";
import type { Answer, Requester } from "./requester.ts";
import { backoffMs, isMendable } from "./retry.ts";
import type { RetryDeps } from "./retry.ts";

/** What a watch yields. */
export type WatchEvent =
  | (KeyResult & {
      readonly type: "event";
      /** The store index when the server accepted the watch, not that of the event. */
      readonly etcdIndex: number;
    })
  | {
      /**
       * Changes were missed: the server no longer has them. Read the key again. The watch goes on right behind the
       * gap with what the server still has, so events up to the `etcdIndex` of that read are in what was read.
       */
      readonly type: "gap";
      /** First and last index of what may have been missed, inclusive. */
      readonly from: number;
      readonly through: number;
      /** The server's error 401. */
      readonly error: EtcdError;
    };

/** Options of {@link Client.watch}. */
export interface WatchOptions {
  /** Also everything below the key. */
  readonly recursive?: boolean | undefined;
  /** The first index of interest, inclusive; default: what happens after the watch is accepted. */
  readonly from?: number | undefined;
  /** How often in a row connecting may fail before the watch throws; default: no limit. */
  readonly reconnectLimit?: number | undefined;
  /** Per endpoint, until the server accepts the watch, each time; default that of the client. 0: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Ends the watch; the loop then throws `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a watch needs of its client. */
export interface WatchDeps extends RetryDeps {
  readonly requester: Requester;
  readonly closed: AbortSignal;
}

/** See {@link Client.watch}. At most one request is in flight, and none while the consumer holds an event. */
export async function* watch(
  deps: WatchDeps,
  key: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void, void> {
  const { reconnectLimit = Infinity, recursive, timeoutMs, signal } = options;
  const ended = signal === undefined ? deps.closed : AbortSignal.any([signal, deps.closed]);
  let next = options.from ?? null;
  let failures = 0;
  let isBehindGap = false;
  for (;;) {
    const outcome = await poll(deps.requester, key, {
      recursive,
      timeoutMs,
      signal,
      from: next,
      isBehindGap,
    });
    next = outcome.next;
    if (outcome.event !== null) {
      failures = 0;
      isBehindGap = outcome.event.type === "gap";
      yield outcome.event;
      continue;
    }
    if (++failures > reconnectLimit) throw outcome.error;
    await pause(deps.clock, backoffMs(failures, deps.random), ended);
  }
}

interface PollOptions extends Pick<WatchOptions, "recursive" | "timeoutMs" | "signal"> {
  readonly from: number | null;
  /** The last thing that the watch yielded was a gap. */
  readonly isBehindGap: boolean;
}

type PollOutcome =
  | { readonly event: WatchEvent; readonly next: number }
  | { readonly event: null; readonly error: ClientError | EtcdError; readonly next: number | null };

/** One long poll; throws what another one would not mend. */
async function poll(
  requester: Requester,
  key: string,
  { recursive, timeoutMs, signal, from, isBehindGap }: PollOptions,
): Promise<PollOutcome> {
  let next = from;
  try {
    const answer = await requester.send({
      method: "GET",
      path: keysUrl(key, { wait: true, recursive, waitIndex: from ?? undefined }),
      isSafe: true,
      options: { timeoutMs, signal },
      longPoll: {
        // A watch from now on is from this index on, also when its connection breaks before the first event.
        onHead: (header) => {
          if (next === null && header("x-etcd-index") !== null) next = etcdIndexOf(header) + 1;
        },
      },
    });
    if (isCutOff(answer.body)) return { event: null, error: endedWithoutEvent(answer), next };
    const result = keyResult(answer);
    return { event: { type: "event", ...result }, next: result.node.modifiedIndex + 1 };
  } catch (error) {
    if (isHistoryCleared(error) && error.index !== null) {
      const kept = isBehindGap ? null : oldestKept(error, from);
      const through = kept === null ? error.index : kept - 1;
      return { event: { type: "gap", from: from ?? through, through, error }, next: through + 1 };
    }
    if (isMendable(error)) return { event: null, error, next };
    throw error;
  }
}

function isHistoryCleared(error: unknown): error is EtcdError {
  return error instanceof EtcdError && error.errorCode === EtcdErrorCode.EventIndexCleared;
}

/**
 * The oldest index that the server's history still has, by the cause `… [oldest/wanted]` of its error 401; null
 * if the cause has another form, or numbers that cannot be.
 */
function oldestKept({ etcdCause, index }: EtcdError, wanted: number | null): number | null {
  const [, oldestText, wantedText] = /\[(\d+)\/(\d+)\]$/.exec(etcdCause) ?? [];
  const oldest = Number(oldestText);
  if (wanted === null || Number(wantedText) !== wanted) return null;
  return oldest > wanted && oldest <= (index ?? 0) ? oldest : null;
}

/** Whether a body is empty or ends inside an event, as after a proxy that hides a broken connection. */
function isCutOff(body: string): boolean {
  const text = body.trim();
  if (text === "") return true;
  if (!text.startsWith("{")) return false;
  try {
    JSON.parse(text);
    return false;
  } catch {
    // That it cannot be parsed is the answer.
    return true;
  }
}

function endedWithoutEvent({ endpoint }: Answer): ClientError {
  const message = `${endpoint} ended the watch without an event`;
  return new ClientError("E_CONNECTION", message, {
    attempts: [{ endpoint, code: "E_CONNECTION", message, status: null }],
  });
}
