// The listening sockets of an address: how they are opened, closed and get other certificates, the same
// for every engine.
//
// A socket brings one new connection per turn of the event loop, and with many busy clients a turn takes
// milliseconds: then hundreds that come back at once would wait for seconds. So several sockets listen at
// one address, and what the others accept is handed to the server as if it had accepted it.

import { createServer, type Server, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";
import type { ListenOptions } from "./engine.ts";
import { BACKLOG, LISTENING_SOCKETS, TCP_KEEP_ALIVE_MS } from "./limits.ts";

/** How sockets are accepted, by every engine alike. */
export const SOCKET_OPTIONS: Readonly<
  Record<"noDelay" | "keepAlive", boolean> & { keepAliveInitialDelay: number }
> = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
};

/** An address at which a server accepts connections. */
export class Binding {
  /** With the actual port. */
  readonly url: string;
  readonly #servers: readonly Server[];

  constructor(url: string, servers: readonly Server[]) {
    this.url = url;
    this.#servers = servers;
  }

  /** Accepts no more; resolves when the last connection is gone. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
          }),
      ),
    );
  }
}

/**
 * Listens; later errors of the sockets are logged. `allowHalfOpen` as the server has it.
 *
 * Rejects with the system's error when the address cannot be used.
 */
export async function bind(
  server: Server,
  options: ListenOptions,
  { allowHalfOpen }: { readonly allowHalfOpen: boolean },
): Promise<Binding> {
  const { host, logger } = options;
  const accept = (socket: Socket): boolean => server.emit("connection", socket);
  // Sockets that share an address would share it with those of another process too: first see that it is free.
  if (options.port !== 0) await probe(options);
  const servers = [server];
  try {
    await listen(server, { host, port: options.port, isShared: true });
    const port = portOf(server, options.port);
    while (servers.length < LISTENING_SOCKETS) {
      const helper = createServer({ ...SOCKET_OPTIONS, allowHalfOpen }, accept);
      await listen(helper, { host, port, isShared: true });
      servers.push(helper);
    }
  } catch (error) {
    await new Binding(
      "",
      servers.filter(({ listening }) => listening),
    ).close();
    if (!isUnsupported(error)) throw error;
    await listen(server, { host, port: options.port, isShared: false });
    servers.length = 1;
  }
  for (const one of servers)
    one.on("error", (error) => logger.error("listener failed", { error: String(error) }));
  return new Binding(urlOf(options, portOf(server, options.port)), servers);
}

/** Replaces what handshakes use from now on, their demands on clients included. */
export function replaceCertificates(server: Server, tls: TlsOptions): void {
  if (!(server instanceof TlsServer)) throw new Error("a listener without TLS has no certificates");
  server.setSecureContext(tls);
}

async function probe({ host, port }: ListenOptions): Promise<void> {
  const server = createServer();
  await listen(server, { host, port, isShared: false });
  await new Binding("", [server]).close();
}

function listen(
  server: Server,
  { host, port, isShared }: { readonly host: string; readonly port: number; readonly isShared: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG, reusePort: isShared }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Systems where sockets cannot share an address have one. */
function isUnsupported(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOTSUP" || error.code === "EINVAL");
}

function portOf(server: Server, wanted: number): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : wanted;
}

function urlOf(options: ListenOptions, port: number): string {
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return `${options.tls === null ? "http" : "https"}://${host}:${port}`;
}
