import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../testing/silent-logger.ts";
import { bind, type Binding } from "./bind.ts";

const HOST = "127.0.0.1";
const FORM = { allowHalfOpen: false };

let server: Server;
let accepted: Socket[];
let binding: Binding;

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => {
    accepted.push(socket);
    socket.resume();
  });
  binding = await bind(server, { host: HOST, port: 0, tls: null, logger: silentLogger }, FORM);
});

afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  await binding.close();
});

function port(): number {
  return Number(new URL(binding.url).port);
}

describe("an address", () => {
  test("accepts several connections in a turn of the event loop", async () => {
    const clients = Array.from({ length: 64 }, () => connect(port(), HOST));

    let turnCount = 0;
    while (accepted.length < clients.length) {
      await new Promise((resolve) => setImmediate(resolve));
      turnCount++;
    }
    for (const client of clients) client.destroy();

    // One socket alone would need 64 turns; of several, the one that gets most decides.
    expect(turnCount).toBeLessThan(48);
  });

  test("is not shared with another listener", async () => {
    const options = { host: HOST, port: port(), tls: null, logger: silentLogger };

    await expect(bind(createServer(), options, FORM)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("is free again when it is closed and its connections are gone", async () => {
    const options = { host: HOST, port: port(), tls: null, logger: silentLogger };
    const client = connect(port(), HOST);
    await once(client, "connect");
    const closed = binding.close();
    client.end();
    await closed;

    const again = await bind(createServer(), options, FORM);

    expect(again.url).toBe(binding.url);
    await again.close();
  });
});
