// A user: a name, a password hash and names of roles, stored as JSON (client-api.md §14.2, disk-format.md §6.5).

import { compareText, quoteJson } from "@kv/store";
import { z } from "zod";
import { AuthError } from "./auth-error.ts";
import { goObject, goText, goTexts } from "./go-json.ts";
import { textsJson } from "./permissions.ts";
import { ROOT_ROLE_NAME } from "./role.ts";

/** The user that must exist before authentication can be switched on, and that always has the role `root`. */
export const ROOT_USER_NAME = "root";

/** A user as stored. */
export interface User {
  readonly name: string;
  /** bcrypt hash; "" only in the hands of those who may not see it. */
  readonly password: string;
  /** Names; null when none were ever given, which etcd prints otherwise than an empty list. */
  readonly roles: readonly string[] | null;
}

/** A user as a client sends it; the password is in the clear, "" when not given. */
export interface UserChange extends User {
  readonly grant: readonly string[];
  readonly revoke: readonly string[];
}

const shape = { user: goText, password: goText, roles: goTexts };

/** A stored user in JSON as Go decodes it. */
export const userSchema: z.ZodType<User> = goObject(
  z.object(shape).transform(({ user, password, roles }) => ({ name: user, password, roles })),
);

/** What a client sends, as Go decodes it. */
export const userChangeSchema: z.ZodType<UserChange> = goObject(
  z
    .object({ ...shape, grant: goTexts, revoke: goTexts })
    .transform(({ user, password, roles, ...change }) => ({
      name: user,
      password,
      roles,
      grant: change.grant ?? [],
      revoke: change.revoke ?? [],
    })),
);

/** As etcd stores it. */
export function userJson({ name, password, roles }: User): string {
  const passwordMember = password === "" ? "" : `,"password":${quoteJson(password)}`;
  return `{"user":${quoteJson(name)}${passwordMember},"roles":${textsJson(roles)}}`;
}

/** The user, with the role `root` if it is `root`. */
export function withRootRole(user: User): User {
  const roles = user.roles ?? [];
  if (user.name !== ROOT_USER_NAME || roles.includes(ROOT_ROLE_NAME)) return user;
  return { ...user, roles: [...roles, ROOT_ROLE_NAME] };
}

/**
 * A user after a change: grants first, then revokes; `password` is the new hash, or null to keep the old.
 *
 * @throws {AuthError} when a role is granted twice or revoked without being granted, or nothing changes.
 */
export function changedUser(old: User, change: UserChange, password: string | null): User {
  const roles = new Set(old.roles);
  for (const role of change.grant) {
    if (roles.has(role)) {
      throw new AuthError("E_AUTH_CONFLICT", `Granting duplicate role ${role} for user ${old.name}`);
    }
    roles.add(role);
  }
  for (const role of change.revoke) {
    if (!roles.delete(role)) {
      throw new AuthError("E_AUTH_CONFLICT", `Revoking ungranted role ${role} for user ${old.name}`);
    }
  }
  const changed: User = {
    name: old.name,
    password: password ?? old.password,
    roles: [...roles].toSorted(compareText),
  };
  if (userJson(changed) === userJson(old)) {
    const text = "User not updated. Use grant/revoke/password to update the user.";
    throw new AuthError("E_AUTH_INVALID", text);
  }
  return changed;
}
