// What the server answers about users and roles. Client-api.md §14.

import { z } from "zod";
import type { Decoder } from "./schemas.ts";

/** Patterns of keys: one that ends in `*` covers all keys that begin with the rest, any other only itself. */
export interface Permissions {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** A role and what it allows. */
export interface Role {
  readonly name: string;
  readonly permissions: Permissions;
}

/** A user and the names of the roles it has. */
export interface User {
  readonly name: string;
  readonly roles: readonly string[];
}

const patterns = z
  .array(z.string())
  .nullable()
  .transform((list) => list ?? []);

/** `/v2/auth/roles/NAME` */
export const roleDecoder: Decoder<Role> = z
  .object({
    role: z.string(),
    permissions: z.object({ kv: z.object({ read: patterns, write: patterns }) }),
  })
  .transform(({ role, permissions }) => ({ name: role, permissions: permissions.kv }));

/** `/v2/auth/roles` */
export const rolesDecoder: Decoder<{ roles: Role[] }> = z.object({ roles: z.array(roleDecoder) });

/** GET `/v2/auth/users/NAME`: roles as objects, in the order in which they are stored. */
export const userDecoder: Decoder<User> = z
  .object({ user: z.string(), roles: z.array(roleDecoder).default([]) })
  .transform(({ user, roles }) => ({ name: user, roles: roles.map((role) => role.name) }));

/** `/v2/auth/users`; null when there are none. */
export const usersDecoder: Decoder<{ users: User[] }> = z.object({
  users: z
    .array(userDecoder)
    .nullable()
    .transform((users) => users ?? []),
});

/** PUT `/v2/auth/users/NAME`: roles by name. */
export const changedUserDecoder: Decoder<User> = z
  .object({ user: z.string(), roles: patterns })
  .transform(({ user, roles }) => ({ name: user, roles }));

/** `/v2/auth/enable` */
export const enabledDecoder: Decoder<{ enabled: boolean }> = z.object({ enabled: z.boolean() });
