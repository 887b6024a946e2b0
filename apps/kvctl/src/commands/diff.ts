// `diff KEY KEY` and `diff KEY --file FILE`: what differs between two subtrees, or one and what was exported.

import type { Client } from "@kv/client";
import { ExitCode } from "../exit-codes.ts";
import { argumentError } from "../errors.ts";
import type { Printer } from "../print.ts";
import { readEntries } from "../read-entries.ts";
import { readSubtree } from "../subtree.ts";
import type { Entry, ReadSubtreeOptions } from "../subtree.ts";
import type { Command } from "./command.ts";

export const diff: Command = {
  name: "diff",
  usage: "KEY [OTHERKEY]",
  summary: "compare two subtrees by keys and values, not TTLs; exits with 6 if they differ",
  flags: [
    {
      name: "file",
      kind: "text",
      help: "compare with the JSON lines of export in this file; -: standard input",
    },
    { name: "quorum", kind: "boolean", help: "read through consensus" },
  ],
  style: "keys",
  sync: true,
  run: async ({ words, flags, printer, connect }) => {
    const [left, right] = words;
    const file = flags.text("file");
    if (left === undefined || words.length !== (file === undefined ? 2 : 1))
      throw argumentError("two keys, or a key and --file, required");
    const exported = file === undefined ? null : await readEntries(file, printer);
    await using session = await connect();
    const { client, signal } = session;
    const options = { quorum: flags.has("quorum"), signal };
    const before = await readSubtree(client, left, options);
    const after = exported ?? (await readOther(client, right, options));
    return printDifferences(before, after, printer) ? ExitCode.Different : ExitCode.Success;
  },
};

async function readOther(
  client: Client,
  key: string | undefined,
  options: ReadSubtreeOptions,
): Promise<readonly Entry[]> {
  if (key === undefined) throw argumentError("key required");
  return readSubtree(client, key, options);
}

/** Prints `-` for what only `before` has, `+` for what only `after` has; whether there was anything. */
function printDifferences(before: readonly Entry[], after: readonly Entry[], printer: Printer): boolean {
  const left = new Map(before.map((entry) => [entry.key, entry]));
  const right = new Map(after.map((entry) => [entry.key, entry]));
  let isDifferent = false;
  for (const key of [...new Set([...left.keys(), ...right.keys()])].toSorted(compareKeys)) {
    const removed = left.get(key);
    const added = right.get(key);
    if (removed !== undefined && added !== undefined && removed.value === added.value) continue;
    isDifferent = true;
    if (removed !== undefined) printer.line(printer.painted(`- ${describe(removed)}`, "red"));
    if (added !== undefined) printer.line(printer.painted(`+ ${describe(added)}`, "green"));
  }
  return isDifferent;
}

/** Both keys themselves are `.` or, as directories, `/`. */
function describe({ key, value }: Entry): string {
  return value === null ? `${key}/` : `${key === "" ? "." : key} ${JSON.stringify(value)}`;
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
