// `ls [KEY]`: the keys of a directory, one per line, depth first.

import type { Node } from "@kv/client";
import { ExitCode } from "../exit-codes.ts";
import type { Command } from "./command.ts";

export const ls: Command = {
  name: "ls",
  usage: "[KEY]",
  summary: "list the keys of a directory",
  flags: [
    { name: "sort", kind: "boolean", help: "in the order of the keys" },
    { name: "recursive", kind: "boolean", help: "all levels" },
    { name: "p", kind: "boolean", help: "a slash behind directories" },
    { name: "quorum", kind: "boolean", help: "read through consensus" },
  ],
  style: "keys",
  sync: true,
  hasTable: true,
  run: async ({ words, flags, globals, printer, connect }) => {
    await using session = await connect();
    const { node } = await session.client.keys.get(words[0] ?? "/", {
      recursive: flags.has("recursive"),
      sorted: flags.has("sort"),
      quorum: flags.has("quorum"),
      signal: session.signal,
    });
    if (globals.table) {
      const { formatTable } = await import("../table.ts");
      printer.text(formatTable(HEADINGS, [...rowsOf(node)]));
      return ExitCode.Success;
    }
    const slash = flags.has("p") ? "/" : "";
    for (const key of node.dir ? keysBelow(node, slash) : [node.key]) printer.line(key);
    return ExitCode.Success;
  },
};

function* keysBelow(directory: Node, slash: string): Generator<string> {
  for (const child of directory.nodes ?? []) {
    yield child.dir ? child.key + slash : child.key;
    yield* keysBelow(child, slash);
  }
}

const HEADINGS = ["KEY", "TYPE", "VALUE", "TTL", "CREATED", "MODIFIED"];

function* rowsOf(listed: Node): Generator<readonly string[]> {
  if (!listed.dir) yield rowOf(listed);
  for (const child of listed.nodes ?? []) {
    if (child.dir) yield rowOf(child);
    yield* rowsOf(child);
  }
}

/** A directory has a slash, as with -p, and no value. */
function rowOf({ key, value, dir, ttl, createdIndex, modifiedIndex }: Node): readonly string[] {
  return [
    dir ? `${key}/` : key,
    dir ? "dir" : "file",
    value ?? "",
    String(ttl ?? ""),
    String(createdIndex),
    String(modifiedIndex),
  ];
}
