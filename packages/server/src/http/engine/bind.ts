// A listening socket: how it is opened and gets other certificates, the same for every engine.

import type { Server } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import type { ListenOptions } from "./engine.ts";
import { BACKLOG } from "./limits.ts";

/**
 * Listens and resolves with the URL, its port the actual one; later errors of the socket are logged.
 *
 * Rejects with the system's error when the address cannot be used.
 */
export function bind(server: Server, options: ListenOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host, port: options.port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      server.on("error", (error) => options.logger.error("listener failed", { error: String(error) }));
      resolve(urlOf(server, options));
    });
  });
}

/** Replaces what handshakes use from now on, their demands on clients included. */
export function replaceCertificates(server: Server, tls: TlsOptions): void {
  if (!(server instanceof TlsServer)) throw new Error("a listener without TLS has no certificates");
  server.setSecureContext(tls);
}

function urlOf(server: Server, options: ListenOptions): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return `${options.tls === null ? "http" : "https"}://${host}:${port}`;
}
