// `update KEY [VALUE]`: writes a file that is there.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, keyArgument, ttlFlag, valueArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const update: Command = {
  name: "update",
  usage: "KEY [VALUE]",
  summary: "write a key that must exist",
  flags: [TTL_FLAG],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const ttl = ttlFlag(call);
    const value = await valueArgument(call);
    await using session = await call.connect();
    const result = await session.client.keys.update(key, value, { ttl, signal: session.signal });
    call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};
