// The client's transport on Node's own HTTP client. Its default, undici, takes about ten times as long to
// load as this, and a command line is judged by its start.

import type { Agent } from "node:http";
import type { TlsOptions, Transport, TransportRequest, TransportResponse } from "@kv/client";

/** Sends requests over kept-alive connections. */
export class HttpTransport implements Transport {
  readonly #http = process.getBuiltinModule("node:http");
  readonly #https = process.getBuiltinModule("node:https");
  readonly #plainAgent: Agent;
  readonly #tlsAgent: Agent;

  constructor(tls: TlsOptions | null) {
    this.#plainAgent = new this.#http.Agent({ keepAlive: true });
    this.#tlsAgent = new this.#https.Agent({ keepAlive: true, ...tlsAgentOptions(tls) });
  }

  send({ endpoint, path, method, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
    const isTls = endpoint.startsWith("https:");
    const agent = isTls ? this.#tlsAgent : this.#plainAgent;
    return new Promise((resolve, reject) => {
      const length = body === null ? {} : { "content-length": Buffer.byteLength(body) };
      const options = { agent, method, headers: { ...headers, ...length }, signal };
      const request = (isTls ? this.#https : this.#http).request(endpoint + path, options, (response) => {
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
    this.#tlsAgent.destroy();
    return Promise.resolve();
  }
}

function tlsAgentOptions(tls: TlsOptions | null): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(tls?.ca === undefined ? {} : { ca: Buffer.from(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: Buffer.from(tls.cert) }),
    ...(tls?.key === undefined ? {} : { key: Buffer.from(tls.key) }),
  };
}
