// A request and what is still to be done about it: the answer's form, and its source while it streams.

import { HttpBodyError, type HttpResponse } from "@kv/rafthttp/http";
import type { AnswerForm } from "./answer.ts";
import type { KvRequest } from "./kv-request.ts";
import type { RequestHead } from "./request-head.ts";
import { isStream, type StreamBody } from "./response-body.ts";

type Source = AsyncIterator<Uint8Array | string>;

/** One request on its way to its answer. */
export class Exchange implements AnswerForm {
  readonly request: KvRequest;
  readonly isHead: boolean;
  readonly isHttp10: boolean;
  isKeepAlive: boolean;
  #source: Source | null = null;

  constructor(request: KvRequest, head: RequestHead) {
    this.request = request;
    this.isHead = head.method === "HEAD";
    this.isHttp10 = head.isHttp10;
    this.isKeepAlive = head.isKeepAlive;
  }

  /** The answer comes as it is made, and ends only when its source or its reader does. */
  get isStreaming(): boolean {
    return this.#source !== null;
  }

  /** Opens the source of a streaming answer. */
  open(body: StreamBody): Source {
    this.#source = body[Symbol.asyncIterator]();
    return this.#source;
  }

  /** Nobody waits for the answer any more; its source is told, if it has one. */
  abort(reason: string): void {
    this.request.abort(new HttpBodyError("aborted", reason));
    this.stop();
  }

  /** Tells the source that nobody listens. */
  stop(): void {
    if (this.#source !== null) stop(this.#source);
  }
}

/** Lets go of a response that comes too late to be sent. */
export function discard(response: HttpResponse): void {
  if (isStream(response.body)) stop(response.body[Symbol.asyncIterator]());
}

function stop(source: Source): void {
  // A source that fails while it is told to stop has nobody left to tell.
  source.return?.().catch(() => undefined);
}
