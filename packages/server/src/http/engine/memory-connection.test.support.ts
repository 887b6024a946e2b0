// A connection to a listener without a socket in between, for tests that need very many: the listener's
// server is handed one end of a pair of streams, as it is handed a socket that it has accepted.

import { Server } from "node:net";
import { duplexPair, type Duplex } from "node:stream";
import { vi } from "vitest";
import type { Engine, Listener, ListenOptions } from "./engine.ts";

/** Opens a listener; `server` is what accepts connections below it. */
export async function openWithServer(
  listen: Engine,
  handler: Parameters<Engine>[0],
  options: ListenOptions,
): Promise<{ readonly listener: Listener; readonly server: Server }> {
  const listening = vi.spyOn(Server.prototype, "listen");
  const listener = await listen(handler, options);
  const server: unknown = listening.mock.contexts[0];
  listening.mockRestore();
  if (!(server instanceof Server)) throw new Error("the engine does not listen with a server of node:net");
  return { listener, server };
}

/** Sends the portions, each in a turn of its own, then that there is no more; resolves with all that was answered. */
export async function exchange(server: Server, portions: readonly string[]): Promise<string> {
  const [client, accepted] = duplexPair();
  const answered = untilEnd(client);
  server.emit("connection", accepted);
  for (const portion of portions) {
    client.write(portion, "latin1");
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end();
  return answered;
}

function untilEnd(client: Duplex): Promise<string> {
  let received = "";
  client.setEncoding("latin1");
  client.on("data", (text: string) => {
    received += text;
  });
  client.on("error", () => undefined); // an end like any other
  return new Promise((resolve) => {
    client.once("end", () => resolve(received));
    client.once("close", () => resolve(received));
  });
}
