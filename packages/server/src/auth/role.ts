// A role: a name and what it allows, stored as JSON (client-api.md §14.3, disk-format.md §6.5).

import { quoteJson } from "@kv/store";
import { z } from "zod";
import { AuthError } from "./auth-error.ts";
import { goObject, goText } from "./go-json.ts";
import {
  covers,
  grant,
  hasEmptyPattern,
  permissionsJson,
  permissionsSchema,
  revoke,
  type Permissions,
} from "./permissions.ts";

/** The role that allows everything. It is always there and cannot be changed. */
export const ROOT_ROLE_NAME = "root";

/** The role of those who bring no credentials. */
export const GUEST_ROLE_NAME = "guest";

/** A role as stored, or as a client sends it. */
export interface Role {
  readonly name: string;
  readonly permissions: Permissions;
  /** What a client wants to add and to take away. Empty ones that came with a new role are stored with it. */
  readonly grant: Permissions | null;
  readonly revoke: Permissions | null;
}

/** A request that a role has to allow. */
export interface KeyAccess {
  /** The decoded path behind `/v2/keys` as it was sent. */
  readonly key: string;
  readonly isWrite: boolean;
  readonly recursive: boolean;
}

const EVERYTHING: Permissions = { read: ["/*"], write: ["/*"] };

/** The role `root`. */
export const ROOT_ROLE: Role = { name: ROOT_ROLE_NAME, permissions: EVERYTHING, grant: null, revoke: null };

/** What guests may do when authentication is switched on for the first time: everything. */
export const NEW_GUEST_ROLE: Role = {
  name: GUEST_ROLE_NAME,
  permissions: EVERYTHING,
  grant: null,
  revoke: null,
};

const optionalPermissions = permissionsSchema.nullable();

/** A role in JSON as Go decodes it. */
export const roleSchema: z.ZodType<Role> = goObject(
  z
    .object({
      role: goText,
      permissions: permissionsSchema,
      grant: z.preprocess((value) => value ?? null, optionalPermissions),
      revoke: z.preprocess((value) => value ?? null, optionalPermissions),
    })
    .transform(({ role, ...rest }) => ({ name: role, ...rest })),
);

/** As etcd stores and prints it. */
export function roleJson(role: Role): string {
  const granted = role.grant === null ? "" : `,"grant":${permissionsJson(role.grant)}`;
  const revoked = role.revoke === null ? "" : `,"revoke":${permissionsJson(role.revoke)}`;
  const permissions = permissionsJson(role.permissions);
  return `{"role":${quoteJson(role.name)},"permissions":${permissions}${granted}${revoked}}`;
}

/** Whether a role allows a request. Hot path. */
export function allows(role: Role, access: KeyAccess): boolean {
  if (role.name === ROOT_ROLE_NAME) return true;
  const patterns = access.isWrite ? role.permissions.write : role.permissions.read;
  if (patterns === null) return false;
  for (const pattern of patterns) if (covers(pattern, access.key, access)) return true;
  return false;
}

/**
 * A role after a change: grants first, then revokes.
 *
 * @throws {AuthError} when a grant is there already, or nothing changes.
 */
export function changedRole(old: Role, change: Role): Role {
  let { permissions } = old;
  if (change.grant !== null) permissions = grant(permissions, change.grant);
  if (change.revoke !== null) permissions = revoke(permissions, change.revoke);
  const changed: Role = { name: old.name, permissions, grant: null, revoke: null };
  if (roleJson(changed) === roleJson(old)) {
    throw new AuthError("E_AUTH_INVALID", "Role not updated. Use grant/revoke to update the role.");
  }
  return changed;
}

/**
 * Refuses what may not become part of a role: etcd 2.3.8 stores an empty pattern, and then drops the
 * connection of every request that is compared with it.
 *
 * @throws {AuthError}
 */
export function checkPatterns(role: Role): void {
  if (!hasEmptyPattern(role.permissions) && (role.grant === null || !hasEmptyPattern(role.grant))) return;
  throw new AuthError("E_AUTH_INVALID", `Role ${role.name} contains an empty pattern`);
}
