// `get KEY`: the value of a file.

import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { keyArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const get: Command = {
  name: "get",
  usage: "KEY",
  summary: "print the value of a key",
  flags: [
    { name: "sort", kind: "boolean", help: "no effect on a single value" },
    { name: "quorum", kind: "boolean", help: "read through consensus" },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    await using session = await call.connect();
    const result = await session.client.keys.get(key, {
      recursive: false,
      sorted: call.flags.has("sort"),
      quorum: call.flags.has("quorum"),
      signal: session.signal,
    });
    if (result.node.dir) throw new KvctlError("E_ARGUMENT", `${result.node.key}: is a directory`);
    call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};
