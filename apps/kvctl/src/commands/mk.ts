// `mk KEY [VALUE]`: writes a file that is not there yet.

import { ExitCode } from "../exit-codes.ts";
import { TTL_FLAG, keyArgument, ttlFlag, valueArgument } from "./arguments.ts";
import type { Command } from "./command.ts";

export const mk: Command = {
  name: "mk",
  usage: "KEY [VALUE]",
  summary: "write a key that must not exist",
  flags: [
    TTL_FLAG,
    { name: "in-order", kind: "boolean", help: "make a key below KEY whose name sorts behind earlier ones" },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const key = keyArgument(call);
    const ttl = ttlFlag(call);
    const value = await valueArgument(call);
    await using session = await call.connect();
    const { keys } = session.client;
    const options = { ttl, signal: session.signal };
    const isInOrder = call.flags.has("in-order");
    const result = await (isInOrder
      ? keys.createInOrder(key, value, options)
      : keys.create(key, value, options));
    call.printer.result(result, call.globals.output);
    return ExitCode.Success;
  },
};
