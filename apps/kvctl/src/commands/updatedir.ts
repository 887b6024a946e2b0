// `updatedir KEY`. Prints nothing, in every output format.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, keyArgument, ttlFlag } from "./arguments.ts";
import type { Command } from "./command.ts";

export const updatedir: Command = {
  name: "updatedir",
  usage: "KEY",
  summary: "set or remove the TTL of a directory",
  flags: [TTL_FLAG],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const ttl = ttlFlag(call);
    await using session = await call.connect();
    await session.client.keys.updateDir(key, { ttl, signal: session.signal });
    return ExitCode.Success;
  },
};
