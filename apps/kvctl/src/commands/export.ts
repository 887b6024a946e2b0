// `export [KEY]`: a subtree as JSON lines that `import` reads.

import { argumentError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { formatEntry, readSubtree } from "../subtree.ts";
import type { Command } from "./command.ts";

// What a server prints for bytes that are not UTF-8.
const REPLACEMENT_CHARACTER = "\ufffd";

export const exportCommand: Command = {
  name: "export",
  usage: "[KEY]",
  summary: "print a key and everything below it as JSON lines, with TTLs; hidden keys are left out",
  flags: [{ name: "quorum", kind: "boolean", help: "read through consensus" }],
  style: "keys",
  sync: true,
  run: async ({ words, flags, printer, connect }) => {
    if (words.length > 1) throw argumentError("one key at most");
    const [root = "/"] = words;
    await using session = await connect();
    const { client, signal } = session;
    const entries = await readSubtree(client, root, { quorum: flags.has("quorum"), signal });
    for (const entry of entries) {
      printer.line(formatEntry(entry));
      if (entry.value?.includes(REPLACEMENT_CHARACTER) === true) {
        printer.error(
          `Warning:  ${root.replace(/\/+$/, "")}${entry.key}: may hold bytes that the server cannot print`,
        );
      }
    }
    return ExitCode.Success;
  },
};
