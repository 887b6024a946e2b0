// The open connections of a listener, and how they end when it closes: streams in the middle of their
// bodies, the others when their answers are out (client-api.md §16, shutdown). Idle ones are ended by
// node:http itself.

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HttpBodyError } from "@kv/rafthttp/http";
import { CLOSE_GRACE_MS } from "./limits.ts";

interface Connection {
  /** Answers that were promised and are not written yet. */
  pendingCount: number;
  /** Bodies that end only when their source or their reader does. */
  streamCount: number;
  /** Told when the client is gone. Kept here and not on the socket or the response: of pipelined
   * requests node:http tells only the first. */
  readonly listeners: Set<() => void>;
}

/** All connections of one listener. Answers that are given at once pass without being counted. */
export class Connections {
  readonly #connections = new Map<Socket, Connection>();
  readonly #controllers = new Set<AbortController>();
  #isClosing = false;
  #onEmpty: (() => void) | null = null;

  /** True from `close` on: answers then say that their connection ends. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  add(socket: Socket): void {
    const connection: Connection = { pendingCount: 0, streamCount: 0, listeners: new Set() };
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      for (const listener of connection.listeners) listener();
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
  }

  /** Whether an answer is on its way, so that nothing else may be written. */
  isBusy(socket: Socket): boolean {
    const connection = this.#connections.get(socket);
    return connection !== undefined && connection.pendingCount + connection.streamCount > 0;
  }

  beginAnswer(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.pendingCount++;
  }

  endAnswer(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.pendingCount--;
  }

  beginStream(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) return;
    connection.streamCount++;
    if (this.#isClosing) socket.destroy();
  }

  endStream(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.streamCount--;
  }

  /** Calls `listener` when the client goes away; at once if it is gone already. */
  onGone(socket: Socket, listener: () => void): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined) listener();
    else connection.listeners.add(listener);
  }

  offGone(socket: Socket, listener: () => void): void {
    this.#connections.get(socket)?.listeners.delete(listener);
  }

  /** A signal that is aborted when the client goes away before its answer is complete, or at `close`. */
  signalOf(outgoing: ServerResponse): AbortSignal {
    const socket = outgoing.req.socket;
    const controller = new AbortController();
    const onGone = (): void => {
      this.#controllers.delete(controller);
      controller.abort(new HttpBodyError("aborted", "client went away"));
    };
    this.#controllers.add(controller);
    this.onGone(socket, onGone);
    outgoing.once("finish", () => {
      this.#controllers.delete(controller);
      this.offGone(socket, onGone);
    });
    if (this.#isClosing) abortForClose(controller);
    return controller.signal;
  }

  /** Ends all connections that are not idle; resolves when the last one is gone. Called once. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const [socket, connection] of this.#connections) {
      if (connection.streamCount > 0) socket.destroy();
    }
    for (const controller of this.#controllers) abortForClose(controller);
    if (this.#connections.size === 0) return;

    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const grace = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, CLOSE_GRACE_MS);
    await promise;
    clearTimeout(grace);
  }
}

function abortForClose(controller: AbortController): void {
  controller.abort(new HttpBodyError("aborted", "listener is closing"));
}
