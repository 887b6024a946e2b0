// `user add|get|list|remove|grant|revoke|passwd`. Spec: ctl.md §8.

import { EtcdError } from "@kv/client";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import type { Flag } from "../flags.ts";
import type { Printer } from "../print.ts";
import { readPassword } from "../standard-input.ts";
import type { Call, Command, CommandGroup } from "./command.ts";
import { noArguments, onlyArgument } from "./strict-arguments.ts";

const ROLES_FLAG: Flag = { name: "roles", kind: "text", help: "names of roles, separated by commas" };

const add: Command = {
  name: "add",
  usage: "NAME[:PASSWORD]",
  summary: "create a user; the password is asked for unless it is given",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const word = userName(call);
    const colon = word.indexOf(":");
    const name = colon < 0 ? word : word.slice(0, colon);
    await using session = await call.connect();
    const { client, signal } = session;
    // The same request would give a user that is there another password.
    if (await isThere(client.auth.user(name, { signal }), name)) {
      throw new KvctlError("E_COMMAND", `User ${name} already exists`);
    }
    const password = colon < 0 ? await askPassword(call.printer) : word.slice(colon + 1);
    await client.auth.setPassword(name, password); // no total time any more: somebody may have typed through it
    call.printer.line(`User ${name} created`);
    return ExitCode.Success;
  },
};

const get: Command = {
  name: "get",
  usage: "NAME",
  summary: "print the roles of a user",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = userName(call);
    await using session = await call.connect();
    const user = await session.client.auth.user(name, { signal: session.signal });
    call.printer.line(`User: ${user.name}`);
    call.printer.line(`Roles: ${user.roles.join(" ")}`);
    return ExitCode.Success;
  },
};

const list: Command = {
  name: "list",
  usage: "",
  summary: "print all users",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    noArguments(call);
    await using session = await call.connect();
    const users = await session.client.auth.users({ signal: session.signal });
    for (const { name } of users) call.printer.line(name);
    return ExitCode.Success;
  },
};

const remove: Command = {
  name: "remove",
  usage: "NAME",
  summary: "remove a user",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = userName(call);
    await using session = await call.connect();
    await session.client.auth.removeUser(name, { signal: session.signal });
    call.printer.line(`User ${name} removed`);
    return ExitCode.Success;
  },
};

const grant: Command = {
  name: "grant",
  usage: "NAME",
  summary: "give roles to a user",
  flags: [ROLES_FLAG],
  style: "members",
  sync: true,
  run: async (call) => {
    const roles = rolesFlag(call);
    const name = userName(call);
    await using session = await call.connect();
    await session.client.auth.grantRoles(name, roles, { signal: session.signal });
    call.printer.line(`User ${name} updated`);
    return ExitCode.Success;
  },
};

const revoke: Command = {
  name: "revoke",
  usage: "NAME",
  summary: "take roles from a user",
  flags: [ROLES_FLAG],
  style: "members",
  sync: true,
  run: async (call) => {
    const roles = rolesFlag(call);
    const name = userName(call);
    await using session = await call.connect();
    await session.client.auth.revokeRoles(name, roles, { signal: session.signal });
    call.printer.line(`User ${name} updated`);
    return ExitCode.Success;
  },
};

const passwd: Command = {
  name: "passwd",
  usage: "NAME",
  summary: "change the password of a user",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = userName(call);
    await using session = await call.connect();
    const { client, signal } = session;
    await client.auth.user(name, { signal }); // without a user the request would create one
    const password = await askPassword(call.printer);
    await client.auth.setPassword(name, password); // as in add
    call.printer.line("Password updated");
    return ExitCode.Success;
  },
};

export const user: CommandGroup = {
  name: "user",
  summary: "list and change users",
  commands: [add, get, list, remove, grant, revoke, passwd],
};

function userName(call: Call): string {
  return onlyArgument(call, "Please provide a username");
}

function rolesFlag({ flags }: Call): readonly string[] {
  const roles = flags.text("roles") ?? "";
  if (roles === "") throw new KvctlError("E_ARGUMENT", "No roles specified; please use `-roles`");
  return roles.split(",");
}

/** Whether there is a user. One with a role that does not exist is refused with 404 too, but for that role. */
async function isThere(asked: Promise<unknown>, name: string): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof EtcdError && error.message === `auth: User ${name} does not exist.`) return false;
    if (error instanceof EtcdError && error.status === 404) return true;
    throw error;
  }
}

function askPassword(printer: Printer): Promise<string> {
  printer.text("New password: ");
  return readPassword();
}
