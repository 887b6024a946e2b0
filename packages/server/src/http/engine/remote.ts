// Who is at the other end of a socket, as far as TLS has made sure of it.

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpRequest } from "@kv/rafthttp/http";

/** The address, and the common name of a certificate that was checked. */
export function remoteOf(socket: Socket): HttpRequest["remote"] {
  const address = socket.remoteAddress ?? "";
  if (!(socket instanceof TLSSocket) || !socket.authorized) return { address };
  const commonName = socket.getPeerCertificate().subject?.CN;
  return typeof commonName === "string" ? { address, commonName } : { address };
}
