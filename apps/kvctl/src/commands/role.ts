// `role add|get|list|remove|grant|revoke`. Spec: ctl.md §8.

import { posix } from "node:path";
import { EtcdError } from "@kv/client";
import type { Permissions } from "@kv/client";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import type { Flag } from "../flags.ts";
import type { Call, Command, CommandGroup } from "./command.ts";
import { noArguments, onlyArgument } from "./strict-arguments.ts";

const PERMISSION_FLAGS: readonly Flag[] = [
  { name: "path", kind: "text", help: "key, or beginning of keys if it ends in *" },
  { name: "read", kind: "boolean", help: "reading" },
  { name: "write", kind: "boolean", help: "writing" },
  { name: "readwrite", kind: "boolean", help: "both" },
];

const add: Command = {
  name: "add",
  usage: "NAME",
  summary: "create a role that allows nothing",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = roleName(call);
    await using session = await call.connect();
    const { client, signal } = session;
    try {
      await client.auth.createRole(name, { read: [], write: [] }, { signal });
    } catch (cause) {
      if (!(cause instanceof EtcdError) || cause.status !== 409) throw cause;
      throw new KvctlError("E_COMMAND", `Role ${name} already exists`, { cause });
    }
    call.printer.line(`Role ${name} created`);
    return ExitCode.Success;
  },
};

const get: Command = {
  name: "get",
  usage: "NAME",
  summary: "print what a role allows",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = roleName(call);
    await using session = await call.connect();
    const { permissions } = await session.client.auth.role(name, { signal: session.signal });
    call.printer.line(`Role: ${name}`);
    call.printer.line("KV Read:");
    for (const pattern of permissions.read) call.printer.line(`\t${pattern}`);
    call.printer.line("KV Write:");
    for (const pattern of permissions.write) call.printer.line(`\t${pattern}`);
    return ExitCode.Success;
  },
};

const list: Command = {
  name: "list",
  usage: "",
  summary: "print all roles",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    noArguments(call);
    await using session = await call.connect();
    const roles = await session.client.auth.roles({ signal: session.signal });
    for (const { name } of roles) call.printer.line(name);
    return ExitCode.Success;
  },
};

const remove: Command = {
  name: "remove",
  usage: "NAME",
  summary: "remove a role",
  flags: [],
  style: "members",
  sync: true,
  run: async (call) => {
    const name = roleName(call);
    await using session = await call.connect();
    await session.client.auth.removeRole(name, { signal: session.signal });
    call.printer.line(`Role ${name} removed`);
    return ExitCode.Success;
  },
};

const grant: Command = {
  name: "grant",
  usage: "NAME",
  summary: "allow a role to read or write keys",
  flags: PERMISSION_FLAGS,
  style: "members",
  sync: true,
  run: async (call) => {
    const permissions = permissionFlags(call);
    const name = roleName(call);
    await using session = await call.connect();
    await session.client.auth.grantPermissions(name, permissions, { signal: session.signal });
    call.printer.line(`Role ${name} updated`);
    return ExitCode.Success;
  },
};

const revoke: Command = {
  name: "revoke",
  usage: "NAME",
  summary: "allow a role no longer to read or write keys",
  flags: PERMISSION_FLAGS,
  style: "members",
  sync: true,
  run: async (call) => {
    const permissions = permissionFlags(call);
    const name = roleName(call);
    await using session = await call.connect();
    await session.client.auth.revokePermissions(name, permissions, { signal: session.signal });
    call.printer.line(`Role ${name} updated`);
    return ExitCode.Success;
  },
};

export const role: CommandGroup = {
  name: "role",
  summary: "list and change roles",
  commands: [add, get, list, remove, grant, revoke],
};

function roleName(call: Call): string {
  return onlyArgument(call, "Please provide a role name");
}

function permissionFlags({ flags }: Call): Permissions {
  const path = flags.text("path") ?? "";
  if (path === "") throw new KvctlError("E_ARGUMENT", "No path specified; please use `-path`");
  const canonical = posix.normalize(path.startsWith("/") ? path : `/${path}`);
  if (path !== canonical) {
    throw new KvctlError("E_ARGUMENT", `Not canonical path; please use \`-path=${canonical}\``);
  }
  const given = ["read", "write", "readwrite"].filter((name) => flags.has(name));
  if (given.length !== 1) {
    throw new KvctlError("E_ARGUMENT", "Please specify exactly one of -read, -write or -readwrite");
  }
  const patterns = [path];
  return { read: given[0] === "write" ? [] : patterns, write: given[0] === "read" ? [] : patterns };
}
