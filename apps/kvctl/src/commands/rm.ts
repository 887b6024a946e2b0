// `rm KEY`: removes a file or, if asked, a directory.

import type { Node } from "@kv/client";
import { ExitCode } from "../exit-codes.ts";
import { compareFlags, keyArgument } from "./arguments.ts";
import type { Call, Command } from "./command.ts";

export const rm: Command = {
  name: "rm",
  usage: "KEY",
  summary: "remove a key",
  flags: [
    { name: "dir", kind: "boolean", help: "also an empty directory" },
    {
      name: "recursive",
      kind: "boolean",
      help: "also a directory with everything in it; asks on a terminal",
    },
    { name: "yes", kind: "boolean", help: "do not ask" },
    { name: "with-value", kind: "text", help: "only if this is the value" },
    { name: "with-index", kind: "integer", help: "only if this is the modified index" },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const { prevValue, prevIndex } = compareFlags(call, { value: "with-value", index: "with-index" });
    const recursive = call.flags.has("recursive");
    if (recursive && !call.flags.has("yes") && !(await isConfirmed(call, key))) {
      call.printer.error("nothing was removed");
      return ExitCode.Failed;
    }
    await using session = await call.connect();
    const { keys } = session.client;
    const { signal } = session;
    const dir = call.flags.has("dir");
    const removal = (): ReturnType<typeof keys.delete> => {
      if (prevValue !== undefined) return keys.compareAndDelete(key, { prevValue, prevIndex, signal });
      if (prevIndex !== undefined) return keys.compareAndDelete(key, { prevIndex, signal });
      return keys.delete(key, { dir, recursive, signal });
    };
    const result = await removal();
    if (!result.node.dir) call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};

/** Asks, on a terminal, before more than one key goes; a script is not asked, as with etcdctl. */
async function isConfirmed(call: Call, key: string): Promise<boolean> {
  const confirm = call.confirm();
  if (confirm === null) return true;
  const node = await read(call, key);
  if (!node.dir) return true;
  const count = countKeys(node) - 1;
  // The root's own key is empty.
  return confirm(
    `Remove ${node.key === "" ? "/" : node.key} with ${count} ${count === 1 ? "key" : "keys"} in it? [y/N] `,
  );
}

/** In a session of its own: while the user thinks, the limits of the removal are not to run out. */
async function read({ connect }: Call, key: string): Promise<Node> {
  await using session = await connect();
  const { node } = await session.client.keys.get(key, { recursive: true, signal: session.signal });
  return node;
}

function countKeys(node: Node): number {
  return (node.nodes ?? []).reduce((count, child) => count + countKeys(child), 1);
}
