// `auth enable|disable`. Spec: ctl.md §8.

import { ExitCode } from "../exit-codes.ts";
import type { Command, CommandGroup } from "./command.ts";
import { noArguments } from "./strict-arguments.ts";

const enable: Command = {
  name: "enable",
  usage: "",
  summary: "ask for credentials from now on; there must be a user root",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    noArguments(call);
    await using session = await call.connect();
    await session.client.auth.enable({ signal: session.signal });
    call.printer.line("Authentication Enabled");
    return ExitCode.Success;
  },
};

const disable: Command = {
  name: "disable",
  usage: "",
  summary: "answer everybody again",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    noArguments(call);
    await using session = await call.connect();
    await session.client.auth.disable({ signal: session.signal });
    call.printer.line("Authentication Disabled");
    return ExitCode.Success;
  },
};

export const auth: CommandGroup = {
  name: "auth",
  summary: "switch authentication on and off",
  commands: [enable, disable],
};
