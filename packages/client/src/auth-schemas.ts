// What the server answers about users and roles. Client-api.md §14.

import * as z from "zod/mini";
import { _default as withDefault } from "zod/mini";
import { decoder } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";

/** Patterns of keys: one that ends in `*` covers all keys that begin with the rest, any other only itself. */
export interface Permissions {
  /** For GET, HEAD and watches. */
  readonly read: readonly string[];
  /** For PUT, POST and DELETE. */
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

/** A list; Go writes an empty one as null, too. */
function listOf<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T[]> {
  return z.pipe(
    z.nullable(z.array(schema)),
    z.transform((list) => list ?? []),
  );
}

const patterns = decoder(() => listOf(z.string()));

/** `/v2/auth/roles/NAME` */
export const roleDecoder: Decoder<Role> = decoder(() =>
  z.pipe(
    z.object({
      role: z.string(),
      permissions: z.object({ kv: z.object({ read: patterns(), write: patterns() }) }),
    }),
    z.transform(({ role, permissions }) => ({ name: role, permissions: permissions.kv })),
  ),
);

/** `/v2/auth/roles` */
export const rolesDecoder: Decoder<{ roles: Role[] }> = decoder(() =>
  z.object({ roles: z.array(roleDecoder()) }),
);

/** GET `/v2/auth/users/NAME`: roles as objects, in the order in which they are stored. */
export const userDecoder: Decoder<User> = decoder(() =>
  z.pipe(
    z.object({ user: z.string(), roles: withDefault(z.array(roleDecoder()), []) }),
    z.transform(({ user, roles }) => ({ name: user, roles: roles.map((role) => role.name) })),
  ),
);

/** `/v2/auth/users`; null when there are none. */
export const usersDecoder: Decoder<{ users: User[] }> = decoder(() =>
  z.object({ users: listOf(userDecoder()) }),
);

/** PUT `/v2/auth/users/NAME`: roles by name. */
export const changedUserDecoder: Decoder<User> = decoder(() =>
  z.pipe(
    z.object({ user: z.string(), roles: patterns() }),
    z.transform(({ user, roles }) => ({ name: user, roles })),
  ),
);

/** `/v2/auth/enable` */
export const enabledDecoder: Decoder<{ enabled: boolean }> = decoder(() =>
  z.object({ enabled: z.boolean() }),
);
