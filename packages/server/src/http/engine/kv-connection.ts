// One connection: heads and bodies come in, answers go out, one request at a time and in order. What a
// client sends ahead waits, so that a read behind a write sees it, as with etcd. Hot path.
//
//   reading a head ──→ answering (and reading the body) ──→ reading a head …
//         │                        │
//         └── refused, last answer ┴──→ ended: nothing is read, lingers until the client closes

import type { Socket } from "node:net";
import type { HttpHandler, HttpResponse } from "@kv/rafthttp/http";
import { HttpBodyError } from "@kv/rafthttp/http";
import type { Logger } from "../../logger.ts";
import { areSafe, writeStream, writeStreamHead, writeWhole } from "./answer.ts";
import { MALFORMED } from "./chunked-decoder.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import type { Departures } from "./departures.ts";
import { BARE_LINE_FEED, INCOMPLETE, InputBuffer } from "./input-buffer.ts";
import { discard, Exchange } from "./exchange.ts";
import { KvRequest } from "./kv-request.ts";
import {
  BODY_STEP_BYTES,
  BODY_STEP_MS,
  HEAD_SIZE_MAX_BYTES,
  HEAD_TIME_MAX_MS,
  LINGER_MS,
  PIPELINE_MAX_BYTES,
} from "./limits.ts";
import { Output } from "./output.ts";
import {
  EXPECTATION_FAILED,
  INTERNAL_ERROR,
  refusalPage,
  SERVER_OPTIONS,
  type RefusalStatus,
} from "./refusal.ts";
import { NO_BODY, RequestBody, type BodyOwner } from "./request-body.ts";
import { parseHead, type RequestHead } from "./request-head.ts";
import { isStream, type StreamBody } from "./response-body.ts";

/** What all connections of a listener share. */
export interface ConnectionContext {
  readonly handler: HttpHandler;
  readonly logger: Logger;
  readonly deadlines: Deadlines;
  readonly departures: Departures;
  /** True from `close` on: answers then say that their connection ends. */
  isClosing: boolean;
}

/** Reads requests from a socket, asks the handler and writes its answers. */
export class KvConnection implements BodyOwner, Expiring {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #input = new InputBuffer();
  readonly #output: Output;
  /** The request that is being answered. */
  #exchange: Exchange | null = null;
  /** The body that is being read, perhaps longer than its answer took. */
  #body: RequestBody | null = null;
  #isContinueDue = false;
  #bodyStepCount = 0;
  #isInputEnded = false;
  #isEnded = false;
  #isPaused = false;
  #isAdvancing = false;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#output = new Output(socket, context.departures);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("drain", () => this.#onDrain());
    socket.on("error", () => undefined); // a close follows, and that is all that matters
    socket.on("close", () => this.#onClose());
  }

  /** Ends the connection as soon as it owes nothing; cuts a stream, which owes nothing definite. */
  close(): void {
    const exchange = this.#exchange;
    if (this.#isEnded) return;
    if (exchange === null) {
      this.#end();
      return;
    }
    exchange.isKeepAlive = false;
    exchange.abort("listener is closing");
    if (exchange.isStreaming) this.#cut();
  }

  /** Cuts a stream; the answers to the requests before it have been given and leave. */
  #cut(): void {
    this.#output.flush();
    this.#socket.destroy();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** A deadline has passed: of a head, of a part of a body, or of the client's closing. */
  expire(): void {
    const body = this.#body;
    if (this.#isEnded) this.#socket.destroy();
    else if (body === null || body.isComplete) this.#refuse(408);
    else if (this.#isPaused || this.#isContinueDue || this.#bodyStepCount >= BODY_STEP_BYTES)
      this.#awaitBody();
    else this.#socket.destroy();
  }

  onWanted(): void {
    if (!this.#isContinueDue) return;
    this.#isContinueDue = false;
    this.#output.writeLatin1("HTTP/1.1 100 Continue\r\n\r\n");
  }

  onRoom(): void {
    this.#updateReading();
  }

  #onData(chunk: Buffer): void {
    if (this.#isEnded) return;
    this.#input.append(chunk);
    this.#advance();
  }

  /** The client sends no more. It may still read an answer, but it waits for no event. */
  #onEnd(): void {
    this.#isInputEnded = true;
    const exchange = this.#exchange;
    if (exchange !== null) {
      exchange.abort("client went away");
      if (exchange.isStreaming) {
        this.#cut();
        return;
      }
    }
    this.#advance();
  }

  #onDrain(): void {
    this.#output.release();
    this.#updateReading();
    this.#advance();
  }

  #onClose(): void {
    this.#isEnded = true;
    this.#context.deadlines.clear(this);
    this.#input.clear();
    this.#output.release();
    this.#body?.fail("client went away inside the body");
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#body = null;
    exchange?.abort("client went away");
  }

  /** Does all that can be done with what is there. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    let isMore = true;
    while (isMore && !this.#isEnded && !this.#output.isGone) isMore = this.#advanceOnce();
    this.#isAdvancing = false;
    if (!this.#isEnded) this.#updateReading();
  }

  /** One step; false: something has to come first. */
  #advanceOnce(): boolean {
    const body = this.#body;
    if (body !== null) {
      if (!this.#readBody(body)) return false;
      if (this.#exchange === null) this.#body = null;
    }
    if (this.#exchange !== null || this.#output.isStuck) return false;
    return this.#readHead();
  }

  /** Whether the body is complete. */
  #readBody(body: RequestBody): boolean {
    if (body.isComplete) return true;
    if (this.#input.size > 0) {
      const count = body.feed(this.#input.view());
      if (count === MALFORMED) {
        this.#breakBody(body, "body is not in chunks");
        return false;
      }
      this.#input.consume(count);
      this.#bodyStepCount += count;
      if (body.isComplete) {
        this.#context.deadlines.clear(this);
        return true;
      }
    }
    if (this.#isInputEnded) this.#breakBody(body, "body ends too early");
    else if (body.isWasted) this.#end();
    else if (!this.#context.deadlines.has(this)) this.#awaitBody();
    return false;
  }

  #breakBody(body: RequestBody, reason: string): void {
    body.fail(reason);
    this.#refuse(400);
  }

  #awaitBody(): void {
    this.#bodyStepCount = 0;
    this.#context.deadlines.set(this, BODY_STEP_MS);
  }

  /** Whether there was a head; then its request has been handed over. */
  #readHead(): boolean {
    const input = this.#input;
    input.skipEmptyLine();
    if (input.size === 0) {
      if (this.#isInputEnded) this.#end();
      return false;
    }
    const end = input.headEnd();
    const size = end === INCOMPLETE ? input.size : end - input.start;
    if (end === BARE_LINE_FEED || (end === INCOMPLETE && this.#isInputEnded)) {
      this.#refuse(400);
      return false;
    }
    if (size > HEAD_SIZE_MAX_BYTES) {
      this.#refuse(431);
      return false;
    }
    if (end === INCOMPLETE) {
      if (!this.#context.deadlines.has(this)) this.#context.deadlines.set(this, HEAD_TIME_MAX_MS);
      return false;
    }
    this.#context.deadlines.clear(this);
    const head = parseHead(input.bytes, input.start, end);
    if (typeof head === "number") {
      this.#refuse(head);
      return false;
    }
    input.consume(size + 2);
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const body = head.bodyLength === 0 ? null : new RequestBody(head.bodyLength, this);
    if (body !== null) {
      this.#body = body;
      this.#isContinueDue = head.expectation === "continue";
      this.#readBody(body); // first, because most requests are complete then
      if (this.#isEnded || this.#output.isGone) return;
    }
    if (this.#input.size > 0) this.#output.joinTurn();
    const target = head.target ?? { path: "*", rawPath: "*", query: "" };
    const exchange = new Exchange(new KvRequest(head, target, body ?? NO_BODY, this.#socket), head);
    this.#exchange = exchange;
    if (head.target === null) this.#answer(exchange, SERVER_OPTIONS);
    else if (head.expectation === "unknown") this.#answerLast(exchange, EXPECTATION_FAILED);
    else this.#ask(exchange);
  }

  #ask(exchange: Exchange): void {
    let response: HttpResponse | Promise<HttpResponse>;
    try {
      response = this.#context.handler(exchange.request);
    } catch (error) {
      this.#fail(exchange, error);
      return;
    }
    if (!(response instanceof Promise)) {
      this.#answer(exchange, response);
      return;
    }
    // Both branches end here: neither throws.
    void response.then(
      (late) => this.#answer(exchange, late),
      (error: unknown) => this.#fail(exchange, error),
    );
  }

  #fail(exchange: Exchange, error: unknown): void {
    const isClientGone = error instanceof HttpBodyError && error.code === "aborted";
    if (this.#exchange !== exchange || isClientGone) {
      if (this.#exchange === exchange) this.#socket.destroy();
      return;
    }
    this.#context.logger.error("request handler failed", { error: String(error) });
    this.#answer(exchange, INTERNAL_ERROR);
  }

  #answerLast(exchange: Exchange, response: HttpResponse): void {
    exchange.isKeepAlive = false;
    this.#answer(exchange, response);
  }

  #answer(exchange: Exchange, response: HttpResponse): void {
    const body = response.body;
    if (this.#exchange !== exchange) {
      discard(response);
      return;
    }
    if (!areSafe(response.headers)) {
      discard(response);
      this.#fail(exchange, new Error("a header is not printable"));
      return;
    }
    // A body that was announced and never asked for may still come or not: the connection is of no more use.
    if (this.#isContinueDue || this.#context.isClosing) exchange.isKeepAlive = false;
    if (isStream(body)) {
      void this.#stream(exchange, response, body);
      return;
    }
    this.#output.beginAnswer();
    const written = writeWhole(this.#output, exchange, response, body);
    if (written === null) this.#finish(exchange);
    else void written.then(() => this.#finish(exchange));
  }

  /** Never rejects. A source that fails cuts the connection: an end would look like the truth. */
  async #stream(exchange: Exchange, response: HttpResponse, body: StreamBody): Promise<void> {
    const source = exchange.open(body);
    if (this.#context.isClosing || this.#isInputEnded) {
      this.#cut();
      return;
    }
    writeStreamHead(this.#output, exchange, response);
    if (exchange.isHead) {
      exchange.stop();
      this.#finish(exchange);
      return;
    }
    try {
      await writeStream(this.#output, exchange, source);
      this.#finish(exchange);
    } catch (error) {
      this.#context.logger.warn("response body failed", { error: String(error) });
      this.#socket.destroy();
    }
  }

  /** The answer is written. */
  #finish(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = null;
    this.#body?.drop();
    if (!exchange.isKeepAlive) this.#end();
    else this.#advance();
  }

  /** Bytes that are no request: says so, if an answer is not under way already. */
  #refuse(status: RefusalStatus): void {
    const exchange = this.#exchange;
    if (exchange !== null && exchange.isStreaming) {
      this.#socket.destroy();
      return;
    }
    this.#exchange = null;
    exchange?.abort("request is malformed");
    this.#output.writeLatin1(refusalPage(status));
    this.#end();
  }

  /** No more is read or written. The client has a moment to read and to close its half. */
  #end(): void {
    this.#isEnded = true;
    this.#input.clear();
    this.#body?.fail("connection ends");
    this.#body = null;
    this.#context.deadlines.clear(this);
    this.#socket.resume();
    this.#socket.end(() => {
      if (!this.#socket.destroyed) this.#context.deadlines.set(this, LINGER_MS);
    });
  }

  /** Reads on unless somebody has more than enough to do. */
  #updateReading(): void {
    const isQueued = this.#exchange !== null && this.#input.size >= PIPELINE_MAX_BYTES;
    const mustPause = isQueued || this.#body?.isFull === true || this.#output.isStuck;
    if (mustPause === this.#isPaused || this.#isEnded) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#socket.pause();
    else this.#socket.resume();
  }
}
