// Addresses nobody else uses: each test process has loopback hosts of its own (all of 127.0.0.0/8 is the
// loopback network on Linux), and the ports on them are asked of the kernel.

import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";

let hostCount = 0;

/** A loopback host that no other server of this test run has had; elsewhere than on Linux the usual one. */
export function nextHost(): string {
  if (process.platform !== "linux") return "127.0.0.1";
  hostCount++;
  const own = process.pid % (254 * 256);
  return `127.${1 + Math.floor(own / 256)}.${own % 256}.${1 + (hostCount % 254)}`;
}

/** Ports that are free on `host` now, all different. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port was given");
    ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return ports;
}
