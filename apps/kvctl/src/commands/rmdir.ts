// `rmdir KEY`: removes an empty directory; a file too, as etcdctl does.

import { ExitCode } from "../exit-codes.ts";
import { keyArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const rmdir: Command = {
  name: "rmdir",
  usage: "KEY",
  summary: "remove an empty directory, or a key",
  flags: [],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    await using session = await call.connect();
    const result = await session.client.keys.delete(key, { dir: true, signal: session.signal });
    if (!result.node.dir) call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};
