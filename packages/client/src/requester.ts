// One API request over several endpoints: which one is asked, when the next one may be, and what the
// failures add up to.
//
//   not sent (refused, no route, certificate)     next endpoint
//   outcome unknown (timeout, reset), or 5xx      next endpoint if the request is safe, else an error at once
//   any other answer                              done
//
// Behind the last endpoint the next one is the first, after a pause that grows, until all `rounds` are over.
// So a write that may have been carried out is never carried out a second time by this package.

import { ClientError, EtcdError } from "./errors.ts";
import type { Attempt } from "./errors.ts";
import { connectionError } from "./transport.ts";
import type { Transport, TransportResponse } from "./transport.ts";
import { pause } from "./clock.ts";
import type { Clock } from "./clock.ts";
import { parseEndpoint } from "./endpoints.ts";
import type { Endpoints } from "./endpoints.ts";
import { backoffMs, isMendable } from "./retry.ts";
import { parseServerError } from "./schemas.ts";

/** Reported before each attempt, for a debug log. It contains no credentials. */
export interface SentRequest {
  readonly method: string;
  /** Scheme, host and port. */
  readonly endpoint: string;
  /** Path and query, encoded. */
  readonly path: string;
  /** As sent, a new password excepted; null without one. */
  readonly body: string | null;
}

/**
 * How far a timeout reaches. `answer`: until the answer is complete. `head`: until its status and headers are
 * there, as etcdctl does it; a body may then take as long as it takes, and only `signal` ends it.
 */
export type TimeoutCovers = "answer" | "head";

/** What every call of the API takes. */
export interface RequestOptions {
  /** Ends the call; it then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Per endpoint, until the answer is complete or as `timeoutCovers` says; default that of the client. 0: no limit. */
  readonly timeoutMs?: number | undefined;
}

/** One request to whichever endpoint answers. */
export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Path and query, encoded. */
  readonly path: string;
  /** `shown` is what a debug log gets to see of a text with secrets. */
  readonly body?: { readonly type: string; readonly text: string; readonly shown?: string };
  /** May be sent again although its outcome is unknown. */
  readonly isSafe: boolean;
  /** Asks this endpoint only. */
  readonly endpoint?: string | undefined;
  /** Statuses that are answers although they are not 2xx. */
  readonly accept?: readonly number[];
  readonly options: RequestOptions;
  /**
   * The answer may come much later than its head: the timeout covers the head only, and a failure after
   * it is reported, not tried elsewhere, because the next endpoint would answer from a later index.
   */
  readonly longPoll?: { readonly onHead: (header: (name: string) => string | null) => void };
}

/** A complete answer. */
export interface Answer {
  readonly endpoint: string;
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly body: string;
}

/** What a Requester needs. */
export interface RequesterOptions {
  readonly endpoints: Endpoints;
  readonly transport: () => Promise<Transport>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly timeoutMs: number;
  readonly timeoutCovers: TimeoutCovers;
  /** How often all endpoints are asked before a request fails; at least 1. */
  readonly rounds: number;
  readonly responseLimitBytes: number;
  /** The Authorization header, or null. */
  readonly authorization: string | null;
  readonly onRequest: ((request: SentRequest) => void) | null;
  /** Aborted with an E_CLOSED error when the client is closed. */
  readonly closed: AbortSignal;
}

/** What came of asking the endpoints one after the other: the answer, or why there is none. */
type Round =
  | { readonly answer: Answer }
  | { readonly error: ClientError | EtcdError; readonly mayRepeat: boolean };

/** Why an endpoint gave no answer. */
interface Failure {
  readonly error: ClientError;
  /** No other endpoint is to be asked, whatever the request. */
  readonly isFinal: boolean;
}

/** Sends requests; any number at once. */
export class Requester {
  readonly #options: RequesterOptions;

  constructor(options: RequesterOptions) {
    this.#options = options;
  }

  /**
   * The first answer of an endpoint with a 2xx (or accepted) status. Endpoints are asked one after the other,
   * and after a while once more, as long as nothing is done twice by it.
   *
   * @throws {EtcdError} if the server answers with an error
   * @throws {ClientError} if nothing usable is answered
   * @throws signal.reason
   */
  async send(request: ApiRequest): Promise<Answer> {
    const { clock, closed, random } = this.#options;
    const { signal } = request.options;
    // A watch has its own way of coming back, and a question to one server is about that server.
    const isSingle = request.longPoll !== undefined || request.endpoint !== undefined;
    const rounds = isSingle ? 1 : this.#options.rounds;
    for (let round = 1; ; round++) {
      const outcome = await this.#askAll(request);
      if ("answer" in outcome) return outcome.answer;
      if (!outcome.mayRepeat || !isMendable(outcome.error) || round >= rounds) throw outcome.error;
      const ended = signal === undefined ? closed : AbortSignal.any([signal, closed]);
      await pause(clock, backoffMs(round, random), ended);
    }
  }

  /** The attempts of an error are those of this round: each endpoint once. */
  async #askAll(request: ApiRequest): Promise<Round> {
    const { endpoints } = this.#options;
    const attempts: Attempt[] = [];
    const { endpoint: only } = request;
    const candidates = only === undefined ? endpoints.inOrder() : [parseEndpoint(only)];
    for (const [tried, endpoint] of candidates.entries()) {
      const isLast = tried === candidates.length - 1;
      const outcome = await this.#attempt(request, endpoint);
      if ("error" in outcome) {
        const { error, isFinal } = outcome;
        attempts.push({ endpoint, code: error.code, message: error.message, status: null });
        endpoints.unpin(endpoint);
        const mayRepeat = !isFinal && (!error.outcomeUnknown || request.isSafe);
        if (isLast || !mayRepeat) return { error: withAttempts(error, attempts), mayRepeat };
        continue;
      }

      if (isSuccess(outcome.status) || request.accept?.includes(outcome.status) === true) {
        if (only === undefined) endpoints.pin(endpoint);
        return { answer: outcome };
      }
      if (outcome.status < 500) return { error: answeredError(outcome, attempts), mayRepeat: false };
      attempts.push(statusAttempt(outcome));
      endpoints.unpin(endpoint);
      if (isLast || !request.isSafe)
        return { error: answeredError(outcome, attempts), mayRepeat: request.isSafe };
    }
    throw new ClientError("E_NO_ENDPOINTS", "there is no endpoint to connect to");
  }

  async #attempt(request: ApiRequest, endpoint: string): Promise<Answer | Failure> {
    const { clock, closed, onRequest, responseLimitBytes, timeoutCovers, transport } = this.#options;
    const { signal, timeoutMs = this.#options.timeoutMs } = request.options;
    throwIfEnded(signal, closed);

    const controller = new AbortController();
    const abort = (): void => controller.abort();
    let isTimedOut = false;
    const onTimeout = (): void => {
      isTimedOut = true;
      abort();
    };
    signal?.addEventListener("abort", abort, { once: true });
    closed.addEventListener("abort", abort, { once: true });
    const cancelTimer = timeoutMs === 0 ? () => undefined : clock.after(timeoutMs, onTimeout);
    const { method, path } = request;
    const body = request.body?.text ?? null;
    let hasHead = false;
    try {
      onRequest?.({ method, endpoint, path, body: request.body?.shown ?? body });
      const headers = this.#headers(request);
      const opened = await transport();
      const response = await opened.send({
        method,
        endpoint,
        path,
        headers,
        body,
        signal: controller.signal,
      });
      hasHead = true;
      if (request.longPoll !== undefined || timeoutCovers === "head") cancelTimer();
      if (isSuccess(response.status)) request.longPoll?.onHead(response.header);
      const text = await readBody(response, responseLimitBytes);
      return { endpoint, status: response.status, header: response.header, body: text };
    } catch (cause) {
      throwIfEnded(signal, closed);
      if (isTimedOut) {
        const message = `${endpoint} did not answer within ${timeoutMs} ms`;
        return {
          error: new ClientError("E_TIMEOUT", message, { cause, outcomeUnknown: true }),
          isFinal: false,
        };
      }
      const error = cause instanceof ClientError ? cause : connectionError(cause);
      // The same answer from another endpoint would be too large as well.
      return { error, isFinal: error.code === "E_TOO_LARGE" || (hasHead && request.longPoll !== undefined) };
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", abort);
      closed.removeEventListener("abort", abort);
    }
  }

  #headers(request: ApiRequest): Record<string, string> {
    const headers: Record<string, string> = {};
    if (request.body !== undefined) headers["content-type"] = request.body.type;
    if (this.#options.authorization !== null) headers["authorization"] = this.#options.authorization;
    return headers;
  }
}

async function readBody(response: TransportResponse, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > limitBytes) {
      const message = `answer is longer than ${limitBytes} bytes`;
      throw new ClientError("E_TOO_LARGE", message, { outcomeUnknown: true });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString("utf8");
}

function answeredError(answer: Answer, attempts: readonly Attempt[]): EtcdError | ClientError {
  const { status, endpoint } = answer;
  const fields = parseServerError(answer.body);
  if (fields !== null) return new EtcdError({ ...fields, status, endpoint, attempts });
  const message = `${endpoint} answered status ${status} without an etcd error`;
  const attempt: Attempt = { endpoint, code: "E_BAD_RESPONSE", message, status };
  return new ClientError("E_BAD_RESPONSE", message, {
    outcomeUnknown: status >= 500,
    attempts: attempts.at(-1)?.endpoint === endpoint ? attempts : [...attempts, attempt],
  });
}

function statusAttempt({ endpoint, status, body }: Answer): Attempt {
  const error = parseServerError(body);
  const cause = error === null || error.etcdCause === "" ? "" : ` (${error.etcdCause})`;
  const message = `${endpoint} answered status ${status}${error === null ? "" : `: ${error.message}${cause}`}`;
  return { endpoint, code: "E_STATUS", message, status };
}

function withAttempts(error: ClientError, attempts: readonly Attempt[]): ClientError {
  const message = attempts.length === 1 ? error.message : attempts.map((tried) => tried.message).join("; ");
  return new ClientError(error.code, message, {
    outcomeUnknown: error.outcomeUnknown,
    attempts,
    cause: error.cause,
  });
}

function throwIfEnded(signal: AbortSignal | undefined, closed: AbortSignal): void {
  signal?.throwIfAborted();
  closed.throwIfAborted();
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
