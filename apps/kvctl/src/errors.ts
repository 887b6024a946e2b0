// Failures that are kvctl's own, with everything the user is to see. What the client throws becomes one
// of these in failure.ts.

import { ExitCode } from "./exit-codes.ts";

/** What kind of failure; tests switch on it. */
export type KvctlErrorCode = "E_USAGE" | "E_ARGUMENT" | "E_FILE" | "E_COMMAND";

/** A failure whose message is the complete text for standard error, without the final newline. */
export class KvctlError extends Error {
  override readonly name = "KvctlError";
  readonly code: KvctlErrorCode;
  readonly exitCode: ExitCode;

  constructor(
    code: KvctlErrorCode,
    message: string,
    options: { readonly exitCode?: ExitCode; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? ExitCode.Failed;
  }
}

/** A missing or impossible argument of a key command. */
export function argumentError(message: string): KvctlError {
  return new KvctlError("E_ARGUMENT", `Error:  ${message}`);
}
