// A server for tests, in this process. It is the real one, with a memory log in place of the disk: what it
// answers, a cluster of one answers. The only part of this package that knows server code, and the only one
// that needs @kv/server installed.

import {
  clientHandler,
  createMemoryServer,
  kvEngine,
  newRequest,
  type EtcdServer,
  type Listener,
  type Logger,
} from "@kv/server";
import { Client } from "../client.ts";
import { ClientError } from "../errors.ts";
import { RunningClock } from "./running-clock.ts";

/** The server proposes its clock this often, and keys expire by what it proposes. */
const SYNC_INTERVAL_MS = 500;

// A test reads assertions, not the log of a server.
const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  notice: () => {},
  warn: () => {},
  error: () => {},
  child: () => SILENT,
};

/** A running server of its own, empty at first. */
export interface TestServer extends AsyncDisposable {
  /** Connected to this server; closed with it. */
  readonly client: Client;
  /** Where it listens: `http://127.0.0.1:` and a free port. For clients of your own, or of another process. */
  readonly url: string;
  /**
   * Lets `ms` milliseconds pass for the server, in an instant: keys whose TTL ends within them are gone when
   * this resolves. Clients notice nothing of it, so no heartbeat of a lock or registration is sent meanwhile.
   *
   * @throws {ClientError} E_CONFIG unless `ms` is a whole number, 0 or more; E_CLOSED after `close`
   */
  advance(ms: number): Promise<void>;
  /** Ends the client, the connections and the server. May be called twice; nothing is left running. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves when it takes writes, some milliseconds later.
 *
 * It has the store and the HTTP API of a real one: TTLs, watches, users, statistics. Its data is in memory
 * and goes with it. Any number can run side by side.
 */
export async function startTestServer(): Promise<TestServer> {
  const clock = new RunningClock();
  const started = Promise.withResolvers<ReturnType<typeof clientHandler>>();
  // The member publishes its URL, so the port is there before the member.
  const listener = await kvEngine(async (request) => (await started.promise)(request), {
    host: "127.0.0.1",
    port: 0,
    tls: null,
    logger: SILENT,
  });
  const config = { name: "test", advertiseClientUrls: [listener.url] };
  const server = createMemoryServer(config, { logger: SILENT, clock });
  started.resolve(clientHandler(server, { logger: SILENT, now: () => clock.unixNanos() }));
  while (!isSettled(server)) await nextWrite(server);
  return new LoneServer({ server, listener, clock });
}

/** What a member writes by itself after its start is behind it, so the first index is always the same. */
function isSettled(server: EtcdServer): boolean {
  return server.clusterVersion !== null && server.members().every(({ clientUrls }) => clientUrls.length > 0);
}

/** Goes through the log, and so resolves when everything proposed before has been applied. */
async function nextWrite(server: EtcdServer): Promise<void> {
  await server.do(newRequest("QGET", "/1"));
}

class LoneServer implements TestServer {
  readonly client: Client;
  readonly url: string;
  readonly #server: EtcdServer;
  readonly #listener: Listener;
  readonly #clock: RunningClock;
  #closing: Promise<void> | null = null;

  constructor(parts: { server: EtcdServer; listener: Listener; clock: RunningClock }) {
    this.#server = parts.server;
    this.#listener = parts.listener;
    this.#clock = parts.clock;
    this.url = parts.listener.url;
    this.client = new Client({ endpoints: [this.url] });
  }

  async advance(ms: number): Promise<void> {
    if (!Number.isSafeInteger(ms) || ms < 0) {
      throw new ClientError("E_CONFIG", `milliseconds must be a whole number, 0 or more, got ${ms}`);
    }
    if (this.#closing !== null) throw new ClientError("E_CLOSED", "the test server is closed");
    // What is on its way when the time jumps would have waited that long, and be timed out.
    do await nextWrite(this.#server);
    while (this.#server.metrics().proposalsPending > 0);
    this.#clock.advance(ms, SYNC_INTERVAL_MS);
    await nextWrite(this.#server);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    await this.client.close();
    await this.#listener.close();
    await this.#server.close();
  }
}
