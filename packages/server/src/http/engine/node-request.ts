// HttpRequest on top of node:http. Most requests are read with method, path and query only: body,
// signal and remote address are looked up when a handler asks. Hot path.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HttpBodyError, type HttpHeaders, type HttpRequest } from "@kv/rafthttp/http";
import type { Connections } from "./connections.ts";
import { remoteOf } from "./remote.ts";
import type { Target } from "./target.ts";

const NO_BYTES = new Uint8Array(0);

/** One request of node:http. */
export class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly rawPath: string;
  readonly query: string;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #connections: Connections;
  #isContinueDue: boolean;
  #signal: AbortSignal | null = null;

  constructor(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    target: Target,
    context: { readonly connections: Connections; readonly expectsContinue: boolean },
  ) {
    this.method = incoming.method ?? "";
    this.path = target.path;
    this.rawPath = target.rawPath;
    this.query = target.query;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#connections = context.connections;
    this.#isContinueDue = context.expectsContinue;
  }

  /** The first value of a header; node:http joins repeated ones that may be lists. */
  header(name: string): string | undefined {
    const value = this.#incoming.headers[name];
    return typeof value === "string" ? value : value?.[0];
  }

  get headers(): HttpHeaders {
    const { rawHeaders } = this.#incoming;
    return Array.from({ length: rawHeaders.length / 2 }, (_, i) => [
      rawHeaders[2 * i] ?? "",
      rawHeaders[2 * i + 1] ?? "",
    ]);
  }

  body(limit: number): Promise<Uint8Array> {
    const length = this.header("content-length");
    if (length === undefined && this.header("transfer-encoding") === undefined)
      return Promise.resolve(NO_BYTES);
    if (length !== undefined && Number(length) > limit) return Promise.reject(tooLarge(limit));
    this.#sendContinue();
    return readAll(this.#incoming, limit);
  }

  async latin1(limit: number): Promise<string> {
    const bytes = await this.body(limit);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  }

  get chunks(): AsyncIterable<Uint8Array> {
    this.#sendContinue();
    return this.#incoming;
  }

  get remote(): { readonly address: string; readonly commonName?: string } {
    return remoteOf(this.#incoming.socket);
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#connections.signalOf(this.#outgoing);
    return this.#signal;
  }

  get socket(): Socket {
    return this.#incoming.socket;
  }

  /** Whether the client still waits for a 100 before it sends its body. */
  get isContinueDue(): boolean {
    return this.#isContinueDue;
  }

  #sendContinue(): void {
    if (!this.#isContinueDue) return;
    this.#isContinueDue = false;
    this.#outgoing.writeContinue();
  }
}

/** What is left of a body that is too large is read and dropped by node:http after the answer. */
function readAll(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (): void => {
      incoming.off("data", onData).off("end", onEnd).off("close", onClose);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      settle();
      incoming.resume();
      reject(tooLarge(limit));
    };
    const onEnd = (): void => {
      settle();
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size));
    };
    const onClose = (): void => {
      settle();
      reject(new HttpBodyError("aborted", "client went away inside the body"));
    };
    incoming.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}

function tooLarge(limit: number): HttpBodyError {
  return new HttpBodyError("too_large", `body is longer than ${limit} bytes`);
}
