// `rm KEY`: removes a file or, if asked, a directory.

import { ExitCode } from "../exit-codes.ts";
import { compareFlags, keyArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const rm: Command = {
  name: "rm",
  usage: "KEY",
  summary: "remove a key",
  flags: [
    { name: "dir", kind: "boolean", help: "also an empty directory" },
    { name: "recursive", kind: "boolean", help: "also a directory with everything in it" },
    { name: "with-value", kind: "text", help: "only if this is the value" },
    { name: "with-index", kind: "integer", help: "only if this is the modified index" },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const { prevValue, prevIndex } = compareFlags(call, { value: "with-value", index: "with-index" });
    await using session = await call.connect();
    const { keys } = session.client;
    const { signal } = session;
    const dir = call.flags.has("dir");
    const recursive = call.flags.has("recursive");
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
