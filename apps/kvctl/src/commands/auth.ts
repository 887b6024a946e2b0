// `auth enable|disable`. Spec: ctl.md §8.

import { authCommand, noArguments } from "./auth-command.ts";
import type { CommandGroup } from "./command.ts";

const enable = authCommand({
  name: "enable",
  usage: "",
  summary: "ask for credentials from now on; there must be a user root",
  read: noArguments,
  run: async ({ client, signal }) => {
    await client.auth.enable({ signal });
    return ["Authentication Enabled"];
  },
});

const disable = authCommand({
  name: "disable",
  usage: "",
  summary: "answer everybody again",
  read: noArguments,
  run: async ({ client, signal }) => {
    await client.auth.disable({ signal });
    return ["Authentication Disabled"];
  },
});

export const auth: CommandGroup = {
  name: "auth",
  summary: "switch authentication on and off",
  commands: [enable, disable],
};
