// What an HTTP engine is: bytes on sockets one way, HttpRequest and HttpResponse the other.
// Handlers do not know which one carries them (architecture §6.6). Types only.

import type { TlsOptions } from "node:tls";
import type { HttpHandler } from "@kv/rafthttp/http";
import type { Logger } from "../../logger.ts";

/** Where and how to listen. */
export interface ListenOptions {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 0: any free one; `Listener.url` tells which. */
  readonly port: number;
  /** Certificates and what is asked of clients; null: plain HTTP. */
  readonly tls: TlsOptions | null;
  readonly logger: Logger;
}

/** An open socket that answers requests. */
export interface Listener extends AsyncDisposable {
  /** With the actual port: `http://127.0.0.1:2379`. */
  readonly url: string;
  /** Shows other certificates to connections that come from now on; those that are open stay as they are. Only with TLS. */
  useCertificates(tls: TlsOptions): void;
  /**
   * Stops listening and ends all connections: idle ones at once, streams by cutting their bodies,
   * those with an answer on its way when it is out or after a bound. May be called twice.
   */
  close(): Promise<void>;
}

/**
 * Opens a listener for a handler; resolves when connections are accepted.
 *
 * Rejects with the system's error when the address cannot be used.
 */
export type Engine = (handler: HttpHandler, options: ListenOptions) => Promise<Listener>;
