// The credentials of a request: HTTP Basic, as etcd reads them (client-api.md §14.5). Hot path.

import { bytesToText } from "@kv/store";

/** A name and a password in the clear. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

const SCHEME = "basic ";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads an `Authorization` header; null when it holds anything but a name and a password. */
export function parseCredentials(authorization: string): Credentials | null {
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return null;
  const encoded = authorization.slice(SCHEME.length);
  if (!BASE64.test(encoded)) return null;
  const text = bytesToText(Buffer.from(encoded, "base64"));
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
