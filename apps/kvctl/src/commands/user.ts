// `user add|get|list|remove|grant|revoke|passwd`. Spec: ctl.md §8.

import { EtcdError } from "@kv/client";
import { KvctlError } from "../errors.ts";
import type { Flag } from "../flags.ts";
import type { Printer } from "../print.ts";
import type { Session } from "../session.ts";
import { readPassword } from "../standard-input.ts";
import { authCommand, noArguments, onlyArgument } from "./auth-command.ts";
import type { Call, CommandGroup } from "./command.ts";

const ROLES_FLAG: Flag = { name: "roles", kind: "text", help: "names of roles, separated by commas" };

const add = authCommand({
  name: "add",
  usage: "NAME[:PASSWORD]",
  summary: "create a user; the password is asked for unless it is given",
  read: userName,
  run: async ({ client, signal }, word, printer) => {
    const colon = word.indexOf(":");
    const name = colon < 0 ? word : word.slice(0, colon);
    // The same request would give a user that is there another password.
    if (await isThere(client.auth.user(name, { signal }), name)) {
      throw new KvctlError("E_COMMAND", `User ${name} already exists`);
    }
    const password = colon < 0 ? await askPassword(printer) : word.slice(colon + 1);
    await client.auth.setPassword(name, password); // no total time any more: somebody may have typed through it
    return [`User ${name} created`];
  },
});

const get = authCommand({
  name: "get",
  usage: "NAME",
  summary: "print the roles of a user",
  read: userName,
  run: async ({ client, signal }, name) => {
    const user = await client.auth.user(name, { signal });
    return [`User: ${user.name}`, `Roles: ${user.roles.join(" ")}`];
  },
});

const list = authCommand({
  name: "list",
  usage: "",
  summary: "print all users",
  read: noArguments,
  run: async ({ client, signal }) => (await client.auth.users({ signal })).map(({ name }) => name),
});

const remove = authCommand({
  name: "remove",
  usage: "NAME",
  summary: "remove a user",
  read: userName,
  run: async ({ client, signal }, name) => {
    await client.auth.removeUser(name, { signal });
    return [`User ${name} removed`];
  },
});

const grant = authCommand({
  name: "grant",
  usage: "NAME",
  summary: "give roles to a user",
  flags: [ROLES_FLAG],
  read: rolesOfUser,
  run: async (session, { name, roles }) => {
    const { client, signal } = session;
    await refuseMissing(session, roles);
    await client.auth.grantRoles(name, roles, { signal });
    return [`User ${name} updated`];
  },
});

const revoke = authCommand({
  name: "revoke",
  usage: "NAME",
  summary: "take roles from a user",
  flags: [ROLES_FLAG],
  read: rolesOfUser,
  run: async ({ client, signal }, { name, roles }) => {
    await client.auth.revokeRoles(name, roles, { signal });
    return [`User ${name} updated`];
  },
});

const passwd = authCommand({
  name: "passwd",
  usage: "NAME",
  summary: "change the password of a user",
  read: userName,
  run: async ({ client, signal }, name, printer) => {
    await client.auth.user(name, { signal }); // without a user the request would create one
    const password = await askPassword(printer);
    await client.auth.setPassword(name, password); // as in add
    return ["Password updated"];
  },
});

export const user: CommandGroup = {
  name: "user",
  summary: "list and change users",
  commands: [add, get, list, remove, grant, revoke, passwd],
};

function userName(call: Call): string {
  return onlyArgument(call, "Please provide a username");
}

function rolesOfUser(call: Call): { readonly name: string; readonly roles: readonly string[] } {
  const roles = call.flags.text("roles") ?? "";
  if (roles === "") throw new KvctlError("E_ARGUMENT", "No roles specified; please use `-roles`");
  return { name: userName(call), roles: roles.split(",") };
}

/** The server takes any name for a role, and from then on refuses to show the user that has it. */
async function refuseMissing({ client, signal }: Session, names: readonly string[]): Promise<void> {
  const roles = new Set((await client.auth.roles({ signal })).map(({ name }) => name));
  const missing = names.find((name) => !roles.has(name));
  if (missing !== undefined) throw new KvctlError("E_COMMAND", `auth: Role ${missing} does not exist.`);
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
  return readPassword("New password: ", (text) => printer.text(text));
}
