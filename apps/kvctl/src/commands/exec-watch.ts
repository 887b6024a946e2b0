// `exec-watch KEY -- CMD ARGS…`: runs a program for each change, without waiting for the run before.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { argumentError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import type { Command } from "./command.ts";
import { WATCH_FLAGS, isDirectoryEvent, watchedEvents } from "./watched-events.ts";
import type { ChangeEvent } from "./watched-events.ts";

export const execWatch: Command = {
  name: "exec-watch",
  usage: "KEY -- PROGRAM [ARGUMENTS…]",
  summary: "run a program for each change of a key, until interrupted",
  flags: WATCH_FLAGS,
  style: "keys",
  sync: true,
  run: async (call) => {
    const [, program, ...programArguments] = call.words;
    if (program === undefined) throw argumentError("key and command to exec required");
    const running = new Set<ChildProcess>();
    try {
      for await (const event of watchedEvents(call)) {
        if (isDirectoryEvent(event)) call.printer.error(`Ignored dir ${event.node.key} change`);
        else {
          const problem = await start(running, [program, ...programArguments], event);
          if (problem === null) continue;
          // Without a newline, as etcdctl.
          call.printer.errorText(`exec: ${JSON.stringify(program)}: ${problem}`);
          return ExitCode.Failed;
        }
      }
      return ExitCode.Success;
    } finally {
      // Who waits for kvctl waits for what it has started.
      await Promise.all([...running].map((child) => once(child, "exit")));
    }
  },
};

/**
 * Resolves when the program runs, with null, or with the reason why it does not. Its exit status is its own affair.
 * It is in `running` until it ends.
 */
async function start(
  running: Set<ChildProcess>,
  [program, ...programArguments]: readonly [string, ...string[]],
  event: ChangeEvent,
): Promise<string | null> {
  // Only here: it loads all that sockets need.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(program, programArguments, {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      ETCD_WATCH_ACTION: event.action,
      ETCD_WATCH_KEY: event.node.key,
      ETCD_WATCH_VALUE: event.node.value ?? "",
      ETCD_WATCH_MODIFIED_INDEX: String(event.node.modifiedIndex),
    },
  });
  try {
    await once(child, "spawn");
    running.add(child);
    child.once("exit", () => running.delete(child));
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return "code" in error && error.code === "ENOENT" ? "executable file not found in $PATH" : error.message;
  }
}
