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
  run: async ({ words, flags, printer, connect }) => {
    await using session = await connect();
    const { node } = await session.client.keys.get(words[0] ?? "/", {
      recursive: flags.has("recursive"),
      sorted: flags.has("sort"),
      quorum: flags.has("quorum"),
      signal: session.signal,
    });
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
