// `watch KEY`: prints the next change, or with --forever all changes.

import { argumentError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { onOneLine } from "../one-line.ts";
import { keyArgument } from "./arguments.ts";
import type { Call, Command } from "./command.ts";
import { WATCH_FLAGS, isDirectoryEvent, watchedEvents } from "./watched-events.ts";
import type { ChangeEvent } from "./watched-events.ts";

export const watch: Command = {
  name: "watch",
  usage: "KEY",
  summary: "wait for a change of a key and print it",
  flags: [
    { name: "forever", kind: "boolean", help: "go on until interrupted" },
    { name: "count", kind: "integer", help: "end after this many changes (default: 1)" },
    ...WATCH_FLAGS,
  ],
  style: "keys",
  sync: true,
  hasTable: true,
  run: async (call) => {
    const { flags, globals, printer } = call;
    keyArgument(call); // before the headings
    const limit = countFlag(call);
    let count = 0;
    if (globals.table) printer.line(tableLine(HEADINGS));
    for await (const event of watchedEvents(call)) {
      if (globals.table) printer.line(tableLine(rowOf(event)));
      else {
        if (isDirectoryEvent(event)) continue;
        if (flags.has("recursive")) printer.line(`[${event.action}] ${event.node.key}`);
        printer.result(event, globals.output);
      }
      if (++count === limit) break;
    }
    return ExitCode.Success;
  },
};

/** How many changes to print; Infinity: all. */
function countFlag({ flags }: Call): number {
  const count = flags.integer("count") ?? (flags.has("forever") ? Number.POSITIVE_INFINITY : 1);
  if (count < 1) throw argumentError("--count must be at least 1");
  return count;
}

const HEADINGS = ["INDEX", "ACTION", "TYPE", "TTL", "KEY", "VALUE"];
/** The rows to come are not known, so the columns are as wide as what is usual in them. */
const WIDTHS = [10, 16, 4, 6, 30];

function tableLine(cells: readonly string[]): string {
  return cells
    .map((cell, column) => onOneLine(cell).padEnd(WIDTHS[column] ?? 0))
    .join("  ")
    .trimEnd();
}

/** What is gone shows the value that it had. */
function rowOf(event: ChangeEvent): readonly string[] {
  const { action, node, prevNode } = event;
  const type = isDirectoryEvent(event) ? "dir" : "file";
  const value = node.value ?? prevNode?.value ?? "";
  return [String(node.modifiedIndex), action, type, String(node.ttl ?? ""), node.key, value];
}
