// The engine of our own: HTTP/1.1 on plain sockets, strict about what it reads and with half of the
// CPU time of node:http (performance.md §3). Everything per request is in kv-connection.ts.

import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import { systemClock, type Clock } from "../../clock.ts";
import { bind, replaceCertificates } from "./bind.ts";
import { Deadlines } from "./deadlines.ts";
import { Departures } from "./departures.ts";
import type { Engine, Listener } from "./engine.ts";
import { KvConnection, type ConnectionContext } from "./kv-connection.ts";
import { CLOSE_GRACE_MS, TCP_KEEP_ALIVE_MS } from "./limits.ts";

type Timers = Pick<Clock, "now" | "after">;

const SOCKET_OPTIONS = {
  allowHalfOpen: true, // a client that has sent all its requests may say so and still reads the answers
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
};

/** Opens a listener of the own engine, with TLS when certificates are given. */
export const listenKv: Engine = kvEngineWith(systemClock);

/** The engine with another clock for its deadlines. */
export function kvEngineWith(clock: Timers): Engine {
  return async (handler, options) => {
    const server =
      options.tls === null
        ? createTcpServer(SOCKET_OPTIONS)
        : createTlsServer({ ...options.tls, ...SOCKET_OPTIONS });
    const context: ConnectionContext = {
      handler,
      logger: options.logger,
      deadlines: new Deadlines(clock),
      departures: new Departures(),
      isClosing: false,
    };
    const listener = new KvListener(server, context, clock, options.tls !== null);
    listener.url = await bind(server, options);
    return listener;
  };
}

class KvListener implements Listener {
  url = "";
  readonly #server: Server;
  readonly #context: ConnectionContext;
  readonly #clock: Timers;
  /** Below the connections; with TLS also those that are still shaking hands. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<KvConnection>();
  #onEmpty: (() => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(server: Server, context: ConnectionContext, clock: Timers, isSecure: boolean) {
    this.#server = server;
    this.#context = context;
    this.#clock = clock;
    server.on("connection", (socket: Socket) => this.#track(socket));
    server.on(isSecure ? "secureConnection" : "connection", (socket: Socket) => this.#accept(socket));
  }

  useCertificates(tls: TlsOptions): void {
    replaceCertificates(this.#server, tls);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #accept(socket: Socket): void {
    const connection = new KvConnection(socket, this.#context);
    this.#connections.add(connection);
    socket.once("close", () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
  }

  async #close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#context.isClosing = true;
    for (const connection of this.#connections) connection.close();
    await this.#untilEmpty();
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
    this.#context.deadlines.close();
  }

  /** Resolves when the last connection is gone; those that take too long are cut. */
  async #untilEmpty(): Promise<void> {
    if (this.#connections.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const cancel = this.#clock.after(CLOSE_GRACE_MS, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    await promise;
    cancel();
  }
}
