// The engine on node:http: the reference that other engines are compared with. Tuned as far as
// node:http goes: raw headers, own Date, one write per answer, no timeouts (performance.md §3). Hot path.
//
// Known differences from etcd, which node's parser decides: methods that it does not know (`get`) are
// 400 instead of 405, CONNECT is refused by closing, repeated list headers are joined, and the page for
// a missing Host is empty.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import type { HttpHandler, HttpResponse } from "@kv/rafthttp/http";
import { HttpBodyError } from "@kv/rafthttp/http";
import { bind, replaceCertificates } from "./bind.ts";
import { Connections } from "./connections.ts";
import type { Engine, Listener, ListenOptions } from "./engine.ts";
import { HEAD_SIZE_MAX_BYTES, LINGER_MS, TCP_KEEP_ALIVE_MS } from "./limits.ts";
import { NodeRequest } from "./node-request.ts";
import { writeStream, writeWhole } from "./node-response.ts";
import { isStream } from "./response-body.ts";
import { parseTarget } from "./target.ts";

const SERVER_OPTIONS: ServerOptions = {
  maxHeaderSize: HEAD_SIZE_MAX_BYTES,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  keepAliveTimeout: 0,
  requestTimeout: 0,
  headersTimeout: 0,
};

/** Opens a listener on node:http, or node:https when certificates are given. */
export const listenNode: Engine = async (handler, options) => {
  const server =
    options.tls === null
      ? createHttpServer(SERVER_OPTIONS)
      : createHttpsServer({ ...options.tls, ...SERVER_OPTIONS });
  const connections = new Connections();
  const front = new NodeFront(handler, connections, options.logger);
  server.on(options.tls === null ? "connection" : "secureConnection", (socket: Socket) =>
    connections.add(socket),
  );
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) =>
    front.serve(incoming, outgoing, false),
  );
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) =>
    front.serve(incoming, outgoing, true),
  );
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => front.refuse(error, socket));
  return new NodeListener(server, connections, await bind(server, options));
};

/** Between node:http and the handler. */
class NodeFront {
  readonly #handler: HttpHandler;
  readonly #connections: Connections;
  readonly #logger: ListenOptions["logger"];

  constructor(handler: HttpHandler, connections: Connections, logger: ListenOptions["logger"]) {
    this.#handler = handler;
    this.#connections = connections;
    this.#logger = logger;
  }

  serve(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): void {
    const target = parseTarget(incoming.url ?? "");
    if (target === null) {
      if (incoming.method === "OPTIONS" && incoming.url === "*")
        this.#write(outgoing, { status: 200, headers: [], body: null });
      else refuseRequest(outgoing);
      return;
    }
    const request = new NodeRequest(incoming, outgoing, target, {
      connections: this.#connections,
      expectsContinue,
    });
    let response: HttpResponse | Promise<HttpResponse>;
    try {
      response = this.#handler(request);
    } catch (error) {
      this.#fail(outgoing, error);
      return;
    }
    if (response instanceof Promise) this.#writeLater(request, outgoing, response);
    else this.#answer(request, outgoing, response);
  }

  /** A head that node's parser refused, or a connection that broke. */
  refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    if (socket.writableEnded) return; // refused already; what still arrives is dropped
    if (!socket.writable || error.code === "ECONNRESET" || this.#connections.isBusy(socket)) {
      socket.destroy();
      return;
    }
    const status =
      error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
    );
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  #writeLater(request: NodeRequest, outgoing: ServerResponse, promise: Promise<HttpResponse>): void {
    const socket = request.socket;
    this.#connections.beginAnswer(socket);
    // Both branches end here: neither throws.
    void promise.then(
      (response) => {
        this.#connections.endAnswer(socket);
        this.#answer(request, outgoing, response);
      },
      (error: unknown) => {
        this.#connections.endAnswer(socket);
        this.#fail(outgoing, error);
      },
    );
  }

  #answer(request: NodeRequest, outgoing: ServerResponse, response: HttpResponse): void {
    // A body that was announced and never asked for may still come or not: the connection is of no more use.
    if (request.isContinueDue) outgoing.shouldKeepAlive = false;
    this.#write(outgoing, response);
  }

  #write(outgoing: ServerResponse, response: HttpResponse): void {
    if (this.#connections.isClosing) outgoing.shouldKeepAlive = false;
    const body = response.body;
    if (isStream(body)) {
      void this.#stream(outgoing, response, body[Symbol.asyncIterator]());
      return;
    }
    const written = writeWhole(outgoing, response, body);
    if (written === null) return;
    const socket = outgoing.req.socket;
    this.#connections.beginAnswer(socket);
    void written.finally(() => this.#connections.endAnswer(socket));
  }

  /** Never rejects. A source that fails cuts the connection: an end would look like the truth. */
  async #stream(
    outgoing: ServerResponse,
    response: HttpResponse,
    iterator: AsyncIterator<Uint8Array | string>,
  ): Promise<void> {
    const socket = outgoing.req.socket;
    const stop = (): void => {
      // A source that fails while it is told to stop has nobody left to tell.
      iterator.return?.().catch(() => undefined);
    };
    this.#connections.onGone(socket, stop);
    this.#connections.beginStream(socket);
    try {
      if (outgoing.req.method === "HEAD") stop();
      await writeStream(outgoing, response, iterator);
    } catch (error) {
      this.#logger.warn("response body failed", { error: String(error) });
      socket.destroy();
    } finally {
      this.#connections.offGone(socket, stop);
      this.#connections.endStream(socket);
    }
  }

  #fail(outgoing: ServerResponse, error: unknown): void {
    const isClientGone = error instanceof HttpBodyError && error.code === "aborted";
    if (outgoing.destroyed || isClientGone) {
      outgoing.destroy();
      return;
    }
    this.#logger.error("request handler failed", { error: String(error) });
    this.#write(outgoing, { status: 500, headers: [PLAIN_TEXT], body: "Internal Server Error\n" });
  }
}

const PLAIN_TEXT = ["Content-Type", "text/plain; charset=utf-8"] as const;

/** A target that cannot be decoded: the connection's next bytes cannot be trusted either. */
function refuseRequest(outgoing: ServerResponse): void {
  outgoing.shouldKeepAlive = false;
  outgoing.sendDate = false;
  outgoing.writeHead(400, PLAIN_TEXT.slice());
  outgoing.end("400 Bad Request");
}

class NodeListener implements Listener {
  readonly url: string;
  readonly #server: Server;
  readonly #connections: Connections;
  #closed: Promise<void> | null = null;

  constructor(server: Server, connections: Connections, url: string) {
    this.#server = server;
    this.#connections = connections;
    this.url = url;
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

  async #close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await this.#connections.close();
    await stopped;
  }
}
