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
