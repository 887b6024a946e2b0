// The default transport. Loaded with the first request only: undici costs more to load than all the rest
// of a short-lived program, and one that brings its own transport should not pay for it.

import { Agent } from "undici";
import type { Dispatcher } from "undici";
import type { TlsOptions, Transport, TransportRequest, TransportResponse } from "./transport.ts";

/** Sends requests through an undici dispatcher; the timeouts are the client's, so undici's are off. */
export class UndiciTransport implements Transport {
  readonly #dispatcher: Dispatcher;
  readonly #isOwn: boolean;

  /** A given `dispatcher` is used as it is and stays the caller's to close. */
  constructor(options: { readonly dispatcher: Dispatcher | null; readonly tls: TlsOptions | null }) {
    this.#isOwn = options.dispatcher === null;
    this.#dispatcher =
      options.dispatcher ??
      new Agent({ connect: tlsConnectOptions(options.tls), headersTimeout: 0, bodyTimeout: 0 });
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const { statusCode, headers, body } = await this.#dispatcher.request({
      origin: request.endpoint,
      path: request.path,
      method: request.method,
      headers: { ...request.headers },
      body: request.body,
      signal: request.signal,
    });
    return {
      status: statusCode,
      header: (name) => {
        const value = headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      },
      body,
    };
  }

  async close(): Promise<void> {
    // Not close(): that would wait for watches that never end.
    if (this.#isOwn) await this.#dispatcher.destroy();
  }
}

function tlsConnectOptions(tls: TlsOptions | null): {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
} {
  if (tls === null) return {};
  return {
    ...(tls.ca === undefined ? {} : { ca: pem(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: pem(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: pem(tls.key) }),
  };
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}
