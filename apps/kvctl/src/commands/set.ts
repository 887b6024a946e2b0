// `set KEY [VALUE]`: writes a file, with conditions if asked.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, compareFlags, keyArgument, ttlFlag, valueArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const set: Command = {
  name: "set",
  usage: "KEY [VALUE]",
  summary: "write a key; the value is read from standard input if it is not given",
  flags: [
    TTL_FLAG,
    { name: "swap-with-value", kind: "text", help: "only if this is the value" },
    { name: "swap-with-index", kind: "integer", help: "only if this is the modified index" },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const conditions = compareFlags(call, { value: "swap-with-value", index: "swap-with-index" });
    const ttl = ttlFlag(call);
    const value = await valueArgument(call);
    await using session = await call.connect();
    const result = await session.client.keys.set(key, value, { ttl, ...conditions, signal: session.signal });
    call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};
