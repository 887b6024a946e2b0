// HttpRequest of the engine of our own. Fields, body, signal and remote address cost something only
// when a handler asks. Hot path.

import type { Socket } from "node:net";
import type { HttpBodyError, HttpHeaders, HttpRequest } from "@kv/rafthttp/http";
import { remoteOf } from "./remote.ts";
import type { BodyReader } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import type { Target } from "./target.ts";

/** One request. */
export class KvRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly rawPath: string;
  readonly query: string;
  readonly #head: RequestHead;
  readonly #body: BodyReader;
  readonly #socket: Socket;
  #controller: AbortController | null = null;
  #abortReason: HttpBodyError | null = null;

  constructor(head: RequestHead, target: Target, body: BodyReader, socket: Socket) {
    this.method = head.method;
    this.path = target.path;
    this.rawPath = target.rawPath;
    this.query = target.query;
    this.#head = head;
    this.#body = body;
    this.#socket = socket;
  }

  header(name: string): string | undefined {
    return this.#head.field(name);
  }

  get headers(): HttpHeaders {
    return this.#head.fields();
  }

  body(limit: number): Uint8Array | Promise<Uint8Array> {
    return this.#body.read(limit);
  }

  latin1(limit: number): string | Promise<string> {
    return this.#body.readLatin1(limit);
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#body.pieces();
  }

  get remote(): HttpRequest["remote"] {
    return remoteOf(this.#socket);
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortReason !== null) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** Nobody waits for the answer any more. To be called before the answer is complete, or not at all. */
  abort(reason: HttpBodyError): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(reason);
  }
}
