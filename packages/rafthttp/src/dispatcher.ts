// The connections to other members: HTTP/1.1, one request at a time on each, kept open for the next
// one, but closed before the other side's 5 s for idle ones are over (peer-protocol.md §4, §17.14).

import type { ConnectionOptions } from "node:tls";
import { Agent } from "undici";
import { systemLookup } from "./host-lookup.ts";

/** How to talk to https peers: the pair is shown to them, `ca` verifies them instead of the system's roots. */
export type PeerTls = Pick<ConnectionOptions, "ca" | "cert" | "key" | "minVersion" | "passphrase">;

// Well below 5 s: undici looks at such timers about twice a second.
const KEEP_ALIVE_MS = 3_000;

/** Makes the dispatcher of one transport or of one question. Whoever makes it destroys it. */
export function createDispatcher(options: {
  readonly dialTimeoutMs: number;
  readonly tls: PeerTls | null;
}): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: {
      ...options.tls,
      timeout: options.dialTimeoutMs,
      lookup: systemLookup,
    },
  });
}
