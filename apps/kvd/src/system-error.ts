// Failures of the operating system in the words of etcd's log, which are Go's.

import { getSystemErrorMessage } from "node:util";

/** Where Go's words differ from libuv's. */
const GO_TEXTS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "cannot assign requested address",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
};

/** Whether the operating system refused something, as opposed to a mistake of ours. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string";
}

/** The reason alone, without call and path: `permission denied`. */
export function systemErrorReason(error: NodeJS.ErrnoException & { readonly code: string }): string {
  return (
    GO_TEXTS[error.code] ?? (error.errno === undefined ? error.code : getSystemErrorMessage(error.errno))
  );
}

/** How Go calls a connection that was not made: `dial tcp 127.0.0.1:2379: connect: connection refused`; null for anything else. */
export function dialErrorText(error: unknown): string | null {
  // A host with several addresses: one error per address.
  if (error instanceof AggregateError) return dialErrorText(error.errors[0]);
  if (!isSystemError(error)) return null;
  if (error.syscall === "connect" && "address" in error && "port" in error) {
    return `dial tcp ${String(error.address)}:${String(error.port)}: connect: ${systemErrorReason(error)}`;
  }
  if (error.syscall === "getaddrinfo" && "hostname" in error) {
    return `dial tcp: lookup ${String(error.hostname)}: ${systemErrorReason(error)}`;
  }
  return null;
}
