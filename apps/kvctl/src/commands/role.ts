// `role add|get|list|remove|grant|revoke`. Spec: ctl.md §8.

import { posix } from "node:path";
import { EtcdError } from "@kv/client";
import type { Permissions } from "@kv/client";
import { KvctlError } from "../errors.ts";
import type { Flag } from "../flags.ts";
import { authCommand, noArguments, onlyArgument } from "./auth-command.ts";
import type { Call, CommandGroup } from "./command.ts";

const PERMISSION_FLAGS: readonly Flag[] = [
  { name: "path", kind: "text", help: "key, or beginning of keys if it ends in *" },
  { name: "read", kind: "boolean", help: "reading" },
  { name: "write", kind: "boolean", help: "writing" },
  { name: "readwrite", kind: "boolean", help: "both" },
];

const add = authCommand({
  name: "add",
  usage: "NAME",
  summary: "create a role that allows nothing",
  read: roleName,
  run: async ({ client, signal }, name) => {
    try {
      await client.auth.createRole(name, { read: [], write: [] }, { signal });
    } catch (cause) {
      if (!(cause instanceof EtcdError) || cause.status !== 409) throw cause;
      throw new KvctlError("E_COMMAND", `Role ${name} already exists`, { cause });
    }
    return [`Role ${name} created`];
  },
});

const get = authCommand({
  name: "get",
  usage: "NAME",
  summary: "print what a role allows",
  read: roleName,
  run: async ({ client, signal }, name) => {
    const { read, write } = (await client.auth.role(name, { signal })).permissions;
    return [`Role: ${name}`, "KV Read:", ...indented(read), "KV Write:", ...indented(write)];
  },
});

const list = authCommand({
  name: "list",
  usage: "",
  summary: "print all roles",
  read: noArguments,
  run: async ({ client, signal }) => (await client.auth.roles({ signal })).map(({ name }) => name),
});

const remove = authCommand({
  name: "remove",
  usage: "NAME",
  summary: "remove a role",
  read: roleName,
  run: async ({ client, signal }, name) => {
    await client.auth.removeRole(name, { signal });
    return [`Role ${name} removed`];
  },
});

const grant = authCommand({
  name: "grant",
  usage: "NAME",
  summary: "allow a role to read or write keys",
  flags: PERMISSION_FLAGS,
  read: permissionsOfRole,
  run: async ({ client, signal }, { name, permissions }) => {
    await client.auth.grantPermissions(name, permissions, { signal });
    return [`Role ${name} updated`];
  },
});

const revoke = authCommand({
  name: "revoke",
  usage: "NAME",
  summary: "allow a role no longer to read or write keys",
  flags: PERMISSION_FLAGS,
  read: permissionsOfRole,
  run: async ({ client, signal }, { name, permissions }) => {
    await client.auth.revokePermissions(name, permissions, { signal });
    return [`Role ${name} updated`];
  },
});

export const role: CommandGroup = {
  name: "role",
  summary: "list and change roles",
  commands: [add, get, list, remove, grant, revoke],
};

function indented(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `\t${pattern}`);
}

function roleName(call: Call): string {
  return onlyArgument(call, "Please provide a role name");
}

function permissionsOfRole(call: Call): { readonly name: string; readonly permissions: Permissions } {
  const { flags } = call;
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
  const permissions = {
    read: given[0] === "write" ? [] : patterns,
    write: given[0] === "read" ? [] : patterns,
  };
  return { name: roleName(call), permissions };
}
