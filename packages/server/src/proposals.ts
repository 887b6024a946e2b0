// Requests on their way through the log: given an id, encoded, proposed, waited for, and answered
// by the applier or by the clock (architecture §5.1, client-api.md §16).
//
// Hot path: `propose`, one call per write.

import { ErrorCode, EtcdError } from "@kv/store";
import type { SubmitOutcome } from "@kv/raft/node";
import type { IdGenerator } from "./id-generator.ts";
import { slowHistogram, type DurationHistogram } from "./metrics.ts";
import { encodeRequest } from "./request-codec.ts";
import type { Request } from "./request.ts";
import type { Result } from "./server-api.ts";
import { Wait, type Waiters } from "./wait.ts";

/** Requests that may wait at once; one more is refused, because memory is finite and the client will time out anyway. */
const PENDING_LIMIT = 65_536;

const TWO_32 = 0x1_0000_0000;

export interface ProposalsDeps {
  readonly ids: IdGenerator;
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly submit: (data: Uint8Array) => SubmitOutcome;
  /** Calls back when everything that can be read from sockets now has been read. */
  readonly defer: (callback: () => void) => void;
  /** Why a request that began at `startMs` has had no answer, in etcd's words. */
  readonly timeoutCause: (startMs: number) => string;
}

/** The proposals of one member that wait for their entry to be applied. */
export class Proposals {
  readonly waiting: Wait<Request, Result> = new Wait();
  /** From proposal to application, of entries: reads that share one count once. */
  readonly durations: DurationHistogram = slowHistogram();
  /** Those that had no answer in time. */
  failedCount: number = 0;
  readonly #deps: ProposalsDeps;
  /** Proposals that found no leader; at most as many as wait, and gone with them. */
  #kept: { readonly suffix: number; readonly data: Uint8Array }[] = [];
  /** The entry that the reads of this turn share, as long as more may join; -1: none. */
  #sharedSuffix = -1;
  #stopped = false;

  constructor(deps: ProposalsDeps) {
    this.#deps = deps;
  }

  /**
   * Proposes a request and waits until it is applied here.
   *
   * While no leader is known the proposal is kept and goes out when there is one, as long as its
   * client waits. One that went to a leader that has just died is lost, and the wait ends with the timeout.
   *
   * Reads of one turn share an entry (performance.md §6). That is linearizable as well: each of them came before
   * the entry was proposed and is carried out where it is applied.
   *
   * @throws {EtcdError} as a rejection: what the store refused, or 300 on timeout, shutdown or overload.
   */
  propose(request: Request): Promise<Result> {
    const { ids } = this.#deps;
    if (this.#stopped) return Promise.reject(stoppedError());
    if (this.waiting.size >= PENDING_LIMIT) {
      return Promise.reject(overloadedError());
    }
    const isRead = request.method === "QGET";
    // The one that was shared may have timed out before the end of its turn, if the process stood still.
    if (isRead && this.waiting.has(this.#sharedSuffix))
      return this.waiting.join(this.#sharedSuffix, request, this.#deps.now());
    const suffix = ids.nextSuffix();
    request.idHigh = ids.high(suffix);
    request.idLow = suffix % TWO_32;
    const answer = this.waiting.register(suffix, request, this.#deps.now());
    if (isRead) this.#share(suffix, request);
    else this.#submit(suffix, encodeRequest(request));
    return answer;
  }

  /** Takes those who wait for `suffix` out, because its entry is being applied; null if nobody here does. */
  take(suffix: number): Waiters<Request, Result> | null {
    const waiter = this.waiting.take(suffix);
    if (waiter !== null) this.durations.observe((this.#deps.now() - waiter.startMs) / 1_000);
    return waiter;
  }

  /** Lets out what was kept for want of a leader. */
  leaderKnown(): void {
    const kept = this.#kept;
    this.#kept = [];
    for (const { suffix, data } of kept) if (this.waiting.has(suffix)) this.#submit(suffix, data);
  }

  /** Ends the waits that have lasted too long. To be called several times a second. */
  sweep(): void {
    const { now, timeoutMs, timeoutCause } = this.#deps;
    const before = this.waiting.size;
    this.waiting.expire(now() - timeoutMs, (waiter) => raftError(timeoutCause(waiter.startMs)));
    if (this.waiting.size === before) return;
    this.failedCount += before - this.waiting.size;
    this.#kept = this.#kept.filter(({ suffix }) => this.waiting.has(suffix));
  }

  /** Answers everyone who waits that the server stops, and everyone who comes later. */
  stop(): void {
    this.#stopped = true;
    this.waiting.rejectAll(stoppedError);
  }

  #share(suffix: number, request: Request): void {
    this.#sharedSuffix = suffix;
    this.#deps.defer(() => {
      this.#sharedSuffix = -1;
      if (this.waiting.has(suffix)) this.#submit(suffix, encodeRequest(request));
    });
  }

  #submit(suffix: number, data: Uint8Array): void {
    const outcome = this.#deps.submit(data);
    if (outcome === "ok") return;
    if (outcome === "dropped") this.#kept.push({ suffix, data });
    else this.waiting.reject(suffix, outcome === "busy" ? overloadedError : stoppedError);
  }
}

function overloadedError(): EtcdError {
  return raftError("etcdserver: too many requests are waiting");
}

function raftError(cause: string): EtcdError {
  return new EtcdError(ErrorCode.RaftInternal, cause, 0);
}

function stoppedError(): EtcdError {
  return raftError("etcdserver: server stopped");
}
