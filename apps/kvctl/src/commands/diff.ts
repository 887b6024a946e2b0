// `diff KEY KEY`: what differs between two subtrees.

import { ExitCode } from "../exit-codes.ts";
import { argumentError } from "../errors.ts";
import type { Printer } from "../print.ts";
import { readSubtree } from "../subtree.ts";
import type { Entry } from "../subtree.ts";
import type { Command } from "./command.ts";

export const diff: Command = {
  name: "diff",
  usage: "KEY OTHERKEY",
  summary: "compare two subtrees by keys and values, not TTLs; exits with 6 if they differ",
  flags: [{ name: "quorum", kind: "boolean", help: "read through consensus" }],
  style: "keys",
  sync: true,
  run: async ({ words, flags, printer, connect }) => {
    const [left, right] = words;
    if (left === undefined || right === undefined || words.length > 2)
      throw argumentError("two keys required");
    await using session = await connect();
    const { client, signal } = session;
    const quorum = flags.has("quorum");
    const before = await readSubtree(client, left, { quorum, signal });
    const after = await readSubtree(client, right, { quorum, signal });
    return printDifferences(before, after, printer) ? ExitCode.Different : ExitCode.Success;
  },
};

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
    if (removed !== undefined) printer.colored(`- ${describe(removed)}`, "red");
    if (added !== undefined) printer.colored(`+ ${describe(added)}`, "green");
  }
  return isDifferent;
}

function describe({ key, value }: Entry): string {
  return value === null ? `${key}/` : `${key} ${JSON.stringify(value)}`;
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
