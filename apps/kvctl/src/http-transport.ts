// The client's transport on Node's own HTTP client. Its default, undici, takes about ten times as long to
// load as this, and a command line is judged by its start.

import type { Agent } from "node:http";
import type * as Https from "node:https";
import type { TlsOptions, Transport, TransportRequest, TransportResponse } from "@kv/client";

/** Sends requests over kept-alive connections. */
export class HttpTransport implements Transport {
  readonly #tls: TlsOptions | null;
  readonly #http = process.getBuiltinModule("node:http");
  readonly #plainAgent: Agent = new this.#http.Agent({ keepAlive: true });
  /** Made with the first https request: few commands need it, and loading TLS costs as much as all the rest. */
  #tlsAgent: Agent | null = null;

  constructor(tls: TlsOptions | null) {
    this.#tls = tls;
  }

  send({ endpoint, path, method, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
    const library = endpoint.startsWith("https:")
      ? this.#https()
      : { module: this.#http, agent: this.#plainAgent };
    return new Promise((resolve, reject) => {
      const length = body === null ? {} : { "content-length": Buffer.byteLength(body) };
      const options = { agent: library.agent, method, headers: { ...headers, ...length }, signal };
      const request = library.module.request(endpoint + path, options, (response) => {
        const header = (name: string): string | null => {
          const value = response.headers[name];
          return (Array.isArray(value) ? value[0] : value) ?? null;
        };
        resolve({ status: response.statusCode ?? 0, header, body: response });
      });
      request.on("error", reject);
      request.end(body ?? undefined);
    });
  }

  close(): Promise<void> {
    this.#plainAgent.destroy();
    this.#tlsAgent?.destroy();
    return Promise.resolve();
  }

  #https(): { module: typeof Https; agent: Agent } {
    const module = process.getBuiltinModule("node:https");
    this.#tlsAgent ??= new module.Agent({ keepAlive: true, ...tlsAgentOptions(this.#tls) });
    return { module, agent: this.#tlsAgent };
  }
}

function tlsAgentOptions(tls: TlsOptions | null): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(tls?.ca === undefined ? {} : { ca: Buffer.from(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: Buffer.from(tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: Buffer.from(tls.key) }),
  };
}
