// Signals, as etcd treats them: a clean stop ends with the same signal, so that a parent sees what
// happened; SIGQUIT shows what the process is doing. Spec: server-flags.md §6.

import process from "node:process";
import type { Logger } from "./logger.ts";

const GO_NAMES = { SIGTERM: "terminated", SIGINT: "interrupt" } as const;
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;
const QUIT_STATUS = 2;

/** PID 1 is not killed by its own signals: it exits. */
const INIT_PID = 1;

/**
 * From here on SIGTERM and SIGINT stop the process cleanly. Before, they simply kill it. A second
 * signal while it stops has no effect.
 *
 * @param stop resolves when everything is closed; it does not reject.
 */
export function stopOnSignals(stop: () => Promise<void>, logger: Logger): void {
  let isStopping = false;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      logger.child({ pkg: "osutil" }).notice(`received ${GO_NAMES[signal]} signal, shutting down...`);
      void stop().then(() => endBy(signal)); // stop handles its own failures
    });
  }
}

/** SIGUSR1 and SIGUSR2 have no effect. Without this Node would open its debugger, or die. */
export function ignoreUserSignals(): void {
  process.on("SIGUSR1", () => undefined);
  process.on("SIGUSR2", () => undefined);
}

/** SIGQUIT prints `state` on standard error and ends the process. */
export function showStateOnQuit(state: () => Readonly<Record<string, unknown>>): void {
  process.on("SIGQUIT", () => {
    process.stderr.write(`${JSON.stringify(state(), null, 2)}\n`, () => process.exit(QUIT_STATUS));
  });
}

function endBy(signal: "SIGTERM" | "SIGINT"): void {
  if (process.pid === INIT_PID) process.exit(0);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
