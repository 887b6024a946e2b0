// The connections to other members: HTTP/1.1, one request at a time on each, kept open for the next
// one, but closed before the other side's 5 s for idle ones are over (peer-protocol.md §4, §17.14).

import type { ConnectionOptions } from "node:tls";
import { Agent, buildConnector } from "undici";
import { systemLookup } from "./host-lookup.ts";

/** How to talk to https peers: the pair is shown to them, `ca` verifies them instead of the system's roots. */
export type PeerTls = Pick<ConnectionOptions, "ca" | "cert" | "key" | "minVersion" | "passphrase">;

/** The same, asked for anew by every connection, so that certificates can be replaced while members run. */
export type PeerTlsSource = PeerTls | (() => PeerTls);

// Well below 5 s: undici looks at such timers about twice a second.
const KEEP_ALIVE_MS = 3_000;

/** Makes the dispatcher of one transport or of one question. Whoever makes it destroys it. */
export function createDispatcher(options: {
  readonly dialTimeoutMs: number;
  readonly tls: PeerTlsSource | null;
}): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: peerConnector(options),
  });
}

/** How connections to members are opened. `tls` may change between two of them; open ones stay as they are. */
export function peerConnector(options: {
  readonly dialTimeoutMs: number;
  readonly tls: PeerTlsSource | null;
}): buildConnector.connector {
  const { dialTimeoutMs, tls } = options;
  const currentTls = typeof tls === "function" ? tls : () => tls;
  let used = currentTls();
  let connect = connectorWith(used, dialTimeoutMs);
  return (target, callback) => {
    const current = currentTls();
    if (current !== used) {
      // A new one altogether: the old one remembers TLS sessions, and a resumed one has the old certificate.
      used = current;
      connect = connectorWith(current, dialTimeoutMs);
    }
    connect(target, callback);
  };
}

function connectorWith(tls: PeerTls | null, dialTimeoutMs: number): buildConnector.connector {
  return buildConnector({ ...tls, allowH2: false, timeout: dialTimeoutMs, lookup: systemLookup });
}
