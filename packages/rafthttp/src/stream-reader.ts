// The receiving end of a stream: dials the peer, reads frames until the answer ends or falls silent,
// and dials again, for ever. Spec: peer-protocol.md §5.

import type { NodeId } from "@kv/raft";
import type { Dispatcher } from "undici";
import { ANNOUNCEMENT_HEADER, dialectOf, type Announcements } from "./announcement.ts";
import type { TransportContext } from "./context.ts";
import { TransportError } from "./errors.ts";
import { isLinkHeartbeat, type FrameDecoder, type StreamKind } from "./frames.ts";
import { MessageDecoder } from "./frames-message.ts";
import { MsgappV2Decoder } from "./frames-msgappv2.ts";
import type { WarningLimiter } from "./log.ts";
import type { PeerStatus } from "./peer-status.ts";
import { deliver } from "./receiver.ts";
import type { UrlPicker } from "./url-picker.ts";

/** A stream that says nothing for so long is dead: link heartbeats come three times as often. */
export const STREAM_READ_TIMEOUT_MS: number = 5_000;
/** Between the end of a stream and the next attempt. */
export const REDIAL_MS: number = 100;
/** Of the text of a refusal. */
const REFUSAL_LIMIT_BYTES = 4096;

/** What a reader needs to know about the member it dials. */
export interface StreamSource {
  readonly id: NodeId;
  readonly picker: UrlPicker;
  readonly status: PeerStatus;
  readonly warnings: WarningLimiter;
  readonly announcements: Announcements;
}

/** Keeps one stream from one peer open, from `start` to `stop`. At most one request is under way. */
export class StreamReader {
  readonly #context: TransportContext;
  readonly #source: StreamSource;
  readonly #kind: StreamKind;
  #call: StreamCall | null = null;
  #cancelRedial: () => void = () => {};
  #isStopped = false;

  constructor(context: TransportContext, source: StreamSource, kind: StreamKind) {
    this.#context = context;
    this.#source = source;
    this.#kind = kind;
  }

  /** Dials for the first time. */
  start(): void {
    this.#dial();
  }

  /** Closes the stream and dials no more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRedial();
    this.#call?.abort(new TransportError("E_CLOSED", "the peer was stopped"));
  }

  #dial(): void {
    const { dispatcher, headers, id } = this.#context;
    const origin = this.#source.picker.pick();
    const call = new StreamCall(this.#context, this.#source, this.#decoder(), (error) =>
      this.#ended(origin, error),
    );
    this.#call = call;
    dispatcher.dispatch(
      {
        origin,
        path: `/raft/stream/${this.#kind}/${id}`,
        method: "GET",
        headers: { ...headers, "x-raft-to": this.#source.id },
        headersTimeout: 0, // the call watches for silence itself
        bodyTimeout: 0,
      },
      call,
    );
  }

  #decoder(): FrameDecoder {
    return this.#kind === "msgapp"
      ? new MsgappV2Decoder(this.#source.id, this.#context.id)
      : new MessageDecoder();
  }

  #ended(origin: string, error: Error): void {
    this.#call = null;
    if (this.#isStopped) return;
    const { picker, status, warnings, id } = this.#source;
    picker.reportFailure(origin);
    status.deactivate(error.message);
    warnings.warn("stream is down", { peer: id, stream: this.#kind, url: origin, reason: error.message });
    if (error instanceof RemovedError) {
      this.stop();
      this.#context.receiver.removedByCluster();
      return;
    }
    this.#cancelRedial = this.#context.clock.after(REDIAL_MS, () => this.#dial());
  }
}

class RemovedError extends TransportError {}

// One request: from the dial to the one call of `onEnded`.
class StreamCall implements Dispatcher.DispatchHandler {
  readonly #context: TransportContext;
  readonly #source: StreamSource;
  readonly #decoder: FrameDecoder;
  readonly #onEnded: (error: Error) => void;
  #controller: Dispatcher.DispatchController | null = null;
  #abortedBy: Error | null = null;
  #isEnded = false;
  #statusCode = 0;
  readonly #refusal: Uint8Array[] = [];
  #refusalBytes = 0;
  #lastByteAt: number;
  #cancelWatch: () => void = () => {};

  constructor(
    context: TransportContext,
    source: StreamSource,
    decoder: FrameDecoder,
    onEnded: (error: Error) => void,
  ) {
    this.#context = context;
    this.#source = source;
    this.#decoder = decoder;
    this.#onEnded = onEnded;
    this.#lastByteAt = context.clock.now();
    this.#watch(STREAM_READ_TIMEOUT_MS);
  }

  /** Breaks the request off, as soon as there is one: a dial that is under way ends by its own timeout. */
  abort(error: Error): void {
    this.#cancelWatch();
    this.#abortedBy ??= error;
    this.#controller?.abort(this.#abortedBy);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abortedBy !== null) controller.abort(this.#abortedBy);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#lastByteAt = this.#context.clock.now();
    this.#statusCode = statusCode;
    if (statusCode === 200) this.#source.status.activate();
    // What stands in front of a member, or in its place, does not name our cluster and says nothing of it.
    if (headers["x-etcd-cluster-id"] !== this.#context.clusterId || this.#abortedBy !== null) return;
    const dialect = dialectOf(headers[ANNOUNCEMENT_HEADER]);
    if (statusCode === 200) this.#source.announcements.opened(this, dialect);
    else this.#source.announcements.heard(dialect);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#abortedBy !== null) return;
    this.#lastByteAt = this.#context.clock.now();
    if (this.#statusCode !== 200) {
      this.#refusalBytes += chunk.length;
      if (this.#refusalBytes <= REFUSAL_LIMIT_BYTES) this.#refusal.push(chunk);
      else this.abort(this.#refused());
      return;
    }
    this.#source.status.activate(); // whatever else has failed, the peer can be heard
    try {
      this.#deliverAll(chunk);
    } catch (error) {
      // A broken frame ends this stream only; so does a receiver that fails.
      this.abort(error instanceof Error ? error : new TransportError("E_FRAME", String(error)));
    }
  }

  onResponseEnd(): void {
    this.#end(
      this.#statusCode === 200
        ? new TransportError("E_CLOSED", "the peer ended the stream")
        : this.#refused(),
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(this.#abortedBy ?? error);
  }

  #deliverAll(chunk: Uint8Array): void {
    const decoder = this.#decoder;
    decoder.push(chunk);
    for (let message = decoder.next(); message !== null; message = decoder.next()) {
      if (isLinkHeartbeat(message)) continue;
      const refusal = deliver(this.#context, message, decoder.frameSizeBytes);
      if (refusal !== null)
        this.#source.warnings.warn("message was dropped", { peer: this.#source.id, reason: refusal });
    }
  }

  #refused(): TransportError {
    const text = Buffer.concat(this.#refusal).toString().trim();
    const message = `the stream was refused with ${this.#statusCode}: ${text}`;
    return this.#statusCode === 410
      ? new RemovedError("E_STATUS", message)
      : new TransportError("E_STATUS", message);
  }

  #watch(delayMs: number): void {
    this.#cancelWatch = this.#context.clock.after(delayMs, () => {
      const leftMs = this.#lastByteAt + STREAM_READ_TIMEOUT_MS - this.#context.clock.now();
      if (leftMs > 0) this.#watch(leftMs);
      else
        this.abort(new TransportError("E_TIMEOUT", `the stream was silent for ${STREAM_READ_TIMEOUT_MS} ms`));
    });
  }

  #end(error: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#cancelWatch();
    this.#source.announcements.closed(this);
    this.#onEnded(error);
  }
}
