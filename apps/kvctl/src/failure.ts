// What a failed command prints and how it exits. Spec: ctl.md §2, §3, §7.

import { ClientError, EtcdError } from "@kv/client";
import type { Attempt } from "@kv/client";
import { KvctlError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";

/** How a command words its failures: `keys` with the word Error and details, `members` bare. */
export type FailureStyle = "keys" | "members";

/** What to print on standard error, complete, and the exit status. */
export interface Failure {
  readonly text: string;
  readonly exitCode: ExitCode;
}

const UNAVAILABLE = "client: etcd cluster is unavailable or misconfigured";

/** What to say about `error`; anything that is not foreseen here is a defect and thrown again. */
export function describeFailure(error: unknown, style: FailureStyle): Failure {
  if (error instanceof KvctlError) return { text: lines(error.message), exitCode: error.exitCode };
  if (style === "members") return { text: lines(bareMessage(error)), exitCode: ExitCode.Failed };
  const attempts = attemptsOf(error);
  const message = bareMessage(error);
  if (attempts === null) return { text: lines(`Error:  ${message}`), exitCode: ExitCode.ServerError };
  const reasons = attempts.map((attempt, number) => `error #${number}: ${attempt.message}`);
  return { text: lines(`Error:  ${message}`, ...reasons, ""), exitCode: ExitCode.ServerError };
}

/** One line that says what happened. */
export function bareMessage(error: unknown): string {
  if (isDeadline(error)) return "context deadline exceeded";
  if (attemptsOf(error) !== null) return UNAVAILABLE;
  if (error instanceof EtcdError && error.errorCode !== null) {
    return `${error.errorCode}: ${error.message} (${error.etcdCause}) [${error.index}]`;
  }
  if (error instanceof EtcdError || error instanceof ClientError || error instanceof KvctlError)
    return error.message;
  throw error;
}

/** Whether no endpoint could be reached, as opposed to one that answered something wrong. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof ClientError && ["E_UNREACHABLE", "E_CONNECTION", "E_TIMEOUT"].includes(error.code);
}

/** The endpoints that all failed, or null if the error is of another kind. */
function attemptsOf(error: unknown): readonly Attempt[] | null {
  if (error instanceof EtcdError) return error.status >= 500 ? error.attempts : null;
  return error instanceof ClientError && isConnectionFailure(error) ? error.attempts : null;
}

function isDeadline(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

function lines(...texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
