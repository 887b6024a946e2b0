// Opening a listening socket, the same for every engine.

import type { Server } from "node:net";
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

function urlOf(server: Server, options: ListenOptions): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return `${options.tls === null ? "http" : "https"}://${host}:${port}`;
}
