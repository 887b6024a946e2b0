// `setdir KEY`. Prints nothing, in every output format.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, keyArgument, ttlFlag } from "./arguments.ts";
import type { Command } from "./command.ts";

export const setdir: Command = {
  name: "setdir",
  usage: "KEY",
  summary: "make a directory, also in place of a file",
  flags: [TTL_FLAG],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const ttl = ttlFlag(call);
    await using session = await call.connect();
    await session.client.keys.setDir(key, { ttl, signal: session.signal });
    return ExitCode.Success;
  },
};
