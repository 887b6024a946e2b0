// The client's transport on Node's own HTTP client. Its default, undici, takes about ten times as long to
// load as this, and a command line is judged by its start.

import type { Agent, AgentOptions } from "node:http";
import type * as Https from "node:https";
import type { TlsOptions, Transport, TransportRequest, TransportResponse } from "@kv/client";
import type { ProxySettings } from "./globals.ts";

/** Sends requests over kept-alive connections. */
export class HttpTransport implements Transport {
  readonly #tls: TlsOptions | null;
  readonly #agentOptions: AgentOptions;
  readonly #http = process.getBuiltinModule("node:http");
  readonly #plainAgent: Agent;
  /** Made with the first https request: few commands need it, and loading TLS costs as much as all the rest. */
  #tlsAgent: Agent | null = null;

  constructor(tls: TlsOptions | null, proxy: ProxySettings | null) {
    this.#tls = tls;
    this.#agentOptions = { keepAlive: true, ...(proxy === null ? {} : { proxyEnv: { ...proxy } }) };
    this.#plainAgent = new this.#http.Agent(this.#agentOptions);
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
    this.#tlsAgent ??= new module.Agent({
      ...this.#agentOptions,
      ...(this.#tls === null ? {} : secureContextOptions(this.#tls)),
    });
    return { module, agent: this.#tlsAgent };
  }
}

/** As node:tls takes them. */
export function secureContextOptions({ ca, cert, key }: TlsOptions): {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
} {
  return {
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
  };
}
