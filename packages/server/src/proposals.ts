// Requests on their way through the log: given an id, encoded, proposed, waited for, and answered
// by the applier or by the clock (architecture §5.1, client-api.md §16).
//
// Hot path: `propose`, one call per write.

import { ErrorCode, EtcdError } from "@kv/store";
import type { SubmitOutcome } from "@kv/raft/node";
import type { IdGenerator } from "./id-generator.ts";
import { encodeRequest } from "./request-codec.ts";
import type { Request } from "./request.ts";
import type { Result } from "./server-api.ts";
import { Wait } from "./wait.ts";

/** Requests that may wait at once; one more is refused, because memory is finite and the client will time out anyway. */
export const PENDING_LIMIT = 65_536;

const TWO_32 = 0x1_0000_0000;

export interface ProposalsDeps {
  readonly ids: IdGenerator;
  readonly timeoutMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly submit: (data: Uint8Array) => SubmitOutcome;
  /** Why a request that began at `startMs` has had no answer, in etcd's words. */
  readonly timeoutCause: (startMs: number) => string;
}

/** The proposals of one member that wait for their entry to be applied. */
export class Proposals {
  readonly waiting: Wait<Request, Result> = new Wait();
  readonly #deps: ProposalsDeps;
  #stopped = false;

  constructor(deps: ProposalsDeps) {
    this.#deps = deps;
  }

  /**
   * Proposes a request and waits until it is applied here.
   *
   * Without a leader the proposal is dropped and the wait ends with the timeout, as in etcd: the
   * client is told only what is known.
   *
   * @throws {EtcdError} as a rejection: what the store refused, or 300 on timeout, shutdown or overload.
   */
  propose(request: Request): Promise<Result> {
    const { ids } = this.#deps;
    if (this.#stopped) return Promise.reject(stoppedError());
    if (this.waiting.size >= PENDING_LIMIT) {
      return Promise.reject(raftError("etcdserver: too many requests are waiting"));
    }
    const suffix = ids.nextSuffix();
    request.idHigh = ids.high(suffix);
    request.idLow = suffix % TWO_32;
    const answer = this.waiting.register(suffix, request, this.#deps.now());
    const outcome = this.#deps.submit(encodeRequest(request));
    if (outcome === "busy" || outcome === "stopped") {
      this.waiting
        .take(suffix)
        ?.reject(
          outcome === "stopped" ? stoppedError() : raftError("etcdserver: too many requests are waiting"),
        );
    }
    return answer;
  }

  /** Ends the waits that have lasted too long. To be called several times a second. */
  sweep(): void {
    const { now, timeoutMs, timeoutCause } = this.#deps;
    this.waiting.expire(now() - timeoutMs, (waiter) => raftError(timeoutCause(waiter.startMs)));
  }

  /** Answers everyone who waits that the server stops, and everyone who comes later. */
  stop(): void {
    this.#stopped = true;
    this.waiting.rejectAll(stoppedError);
  }
}

function raftError(cause: string): EtcdError {
  return new EtcdError(ErrorCode.RaftInternal, cause, 0);
}

function stoppedError(): EtcdError {
  return raftError("etcdserver: server stopped");
}
