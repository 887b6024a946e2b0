// `watch KEY`: prints the next change, or with --forever all changes.

import { ExitCode } from "../exit-codes.ts";
import type { Command } from "./command.ts";
import { WATCH_FLAGS, isDirectoryEvent, watchedEvents } from "./watched-events.ts";

export const watch: Command = {
  name: "watch",
  usage: "KEY",
  summary: "wait for a change of a key and print it",
  flags: [{ name: "forever", kind: "boolean", help: "go on until interrupted" }, ...WATCH_FLAGS],
  style: "keys",
  sync: true,
  run: async (call) => {
    for await (const event of watchedEvents(call)) {
      if (isDirectoryEvent(event)) continue;
      if (call.flags.has("recursive")) call.printer.line(`[${event.action}] ${event.node.key}`);
      call.printer.result(event, call.globals.output);
      if (!call.flags.has("forever")) break;
    }
    return ExitCode.Success;
  },
};
