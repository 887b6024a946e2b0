// The listening sockets of a process. They are opened before the member starts, so that a port that
// is taken is noticed before anything is written; requests that come in before the member serves wait
// for it. Spec: server-flags.md §5.4, cluster.md §3.

import type { TlsOptions } from "node:tls";
import type { HttpHandler } from "@kv/rafthttp/http";
import { kvEngine, nodeEngine } from "@kv/server";
import type { Engine, Listener } from "@kv/server";
import { addressOf } from "./address.ts";
import { KvdError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { isSystemError, systemErrorReason } from "./system-error.ts";
import { isSecure } from "./tls.ts";

/** The engines by the names of --http-engine. */
const ENGINES = { kv: kvEngine, node: nodeEngine } as const satisfies Readonly<Record<string, Engine>>;

/** A value of --http-engine. */
export type EngineName = keyof typeof ENGINES;

/** A handler whose real one comes later. */
export interface LateHandler {
  readonly handle: HttpHandler;
  /** From here on requests go to `handler`, those that waited first. */
  serve(handler: HttpHandler): void;
}

/** Makes a handler that lets requests wait until `serve` is called. */
export function lateHandler(): LateHandler {
  const arrival = Promise.withResolvers<HttpHandler>();
  let current: HttpHandler = async (request) => (await arrival.promise)(request);
  return {
    handle: (request) => current(request),
    serve(handler) {
      current = handler;
      arrival.resolve(handler);
    },
  };
}

/** Open sockets of one kind. */
export class Listeners {
  readonly #kind: string;
  readonly #engine: Engine;
  readonly #logger: Logger;
  readonly #open: { readonly url: string; readonly listener: Listener }[] = [];

  /** `kind` is how the log calls them: `peers`, `client requests`. */
  constructor(kind: string, engine: EngineName, logger: Logger) {
    this.#kind = kind;
    this.#engine = ENGINES[engine];
    this.#logger = logger;
  }

  /**
   * Listens on all `urls`, in order; on https ones with `tls`. What was opened before a failure stays open until `close`.
   *
   * @throws {KvdError} `E_LISTEN`, `E_TLS`
   */
  async listen(urls: readonly string[], handler: HttpHandler, tls: TlsOptions | null = null): Promise<void> {
    for (const url of urls) {
      this.#open.push({
        url,
        listener: await listenOn(this.#engine, url, handler, { tls, logger: this.#logger }),
      });
      this.#logger.info(`listening for ${this.#kind} on ${url}`);
    }
  }

  /** Shows other certificates to who connects from now on. */
  useCertificates(tls: TlsOptions): void {
    for (const { url, listener } of this.#open) if (isSecure(url)) listener.useCertificates(tls);
  }

  /** Says that the sockets are given up; for a start that failed. */
  announceClose(): void {
    for (const { url } of this.#open) this.#logger.info(`stopping listening for ${this.#kind} on ${url}`);
  }

  /** Closes sockets and connections. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map(({ listener }) => listener.close()));
  }
}

async function listenOn(
  engine: Engine,
  url: string,
  handler: HttpHandler,
  options: { readonly tls: TlsOptions | null; readonly logger: Logger },
): Promise<Listener> {
  const { host, port } = addressOf(url);
  const tls = isSecure(url) ? options.tls : null;
  if (isSecure(url) && tls === null) throw new KvdError("E_TLS", `there is no certificate for ${url}`);
  try {
    return await engine(handler, { host, port, tls, logger: options.logger });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = systemErrorReason(error);
    const message =
      error.syscall === "listen" ? ` ${authority(error)}: bind: ${reason}` : `: lookup ${host}: ${reason}`;
    throw new KvdError("E_LISTEN", `listen tcp${message}`, { cause: error });
  }
}

/** The address as it was resolved: `127.0.0.1:2379`. */
function authority(error: Error): string {
  const address = "address" in error ? String(error.address) : "";
  const port = "port" in error ? String(error.port) : "";
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
