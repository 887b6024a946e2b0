// `mkdir KEY`. Prints nothing, in every output format.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, keyArgument, ttlFlag } from "./arguments.ts";
import type { Command } from "./command.ts";

export const mkdir: Command = {
  name: "mkdir",
  usage: "KEY",
  summary: "make a directory that must not exist",
  flags: [TTL_FLAG],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const ttl = ttlFlag(call);
    await using session = await call.connect();
    await session.client.keys.mkdir(key, { ttl, signal: session.signal });
    return ExitCode.Success;
  },
};
