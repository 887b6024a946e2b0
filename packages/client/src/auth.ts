// Users, roles and the switch that makes the cluster ask for them. Client-api.md §14.

import {
  changedUserDecoder,
  enabledDecoder,
  roleDecoder,
  rolesDecoder,
  userDecoder,
  usersDecoder,
} from "./auth-schemas.ts";
import type { Permissions, Role, User } from "./auth-schemas.ts";
import { ClientError } from "./errors.ts";
import type { Answer, ApiRequest, RequestOptions, Requester } from "./requester.ts";
import { decode } from "./decoder.ts";

/** A user that is to be created with roles. */
export interface NewUser {
  /** Not empty. */
  readonly password: string;
  /** At least one; they need not exist. */
  readonly roles: readonly string[];
}

/** What is to change about a user, all of it or nothing. At least one role is granted or revoked. */
export interface UserChange {
  /** Replaces the old one; absent: that stays. */
  readonly password?: string | undefined;
  /** Roles that the user does not have; they need not exist. */
  readonly grant?: readonly string[] | undefined;
  /** Roles that the user has, the granted ones included. */
  readonly revoke?: readonly string[] | undefined;
}

const JSON_TYPE = "application/json";
const SWITCH = "/v2/auth/enable";
const USERS = "/v2/auth/users";
const ROLES = "/v2/auth/roles";

/**
 * Reads and changes users and roles. Changes are never sent twice.
 *
 * While authentication is on, everything but `isEnabled` needs the credentials of a user that has the role `root`.
 * All methods throw `EtcdError` with the server's text when it refuses; status 404 means that there is none of the name.
 */
export class Auth {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /** Whether the cluster asks for credentials. */
  async isEnabled(options: RequestOptions = {}): Promise<boolean> {
    return decode(enabledDecoder, await this.#get(SWITCH, options)).enabled;
  }

  /** Makes the cluster ask for credentials; there must be a user `root`. Guests keep all permissions until the role `guest` is changed. */
  async enable(options: RequestOptions = {}): Promise<void> {
    await this.#change("PUT", SWITCH, options);
  }

  /** Makes the cluster answer everybody again. */
  async disable(options: RequestOptions = {}): Promise<void> {
    await this.#change("DELETE", SWITCH, options);
  }

  /** All users by name. Roles that do not exist are left out. */
  async users(options: RequestOptions = {}): Promise<readonly User[]> {
    return decode(usersDecoder, await this.#get(USERS, options)).users;
  }

  /** One user. Also refused with 404 when one of its roles does not exist. */
  async user(name: string, options: RequestOptions = {}): Promise<User> {
    return decode(userDecoder, await this.#get(at(USERS, name), options));
  }

  /** Creates a user without roles, or changes the password of one that is there. */
  async setPassword(name: string, password: string, options: RequestOptions = {}): Promise<User> {
    return this.#changeUser(name, { password }, options);
  }

  /**
   * Creates a user with a password and roles; status 409 if there is one of the name.
   *
   * @throws {ClientError} E_CONFIG without roles: the server would then change the password of a user that is
   *   there, which is what `setPassword` is for
   */
  async createUser(name: string, user: NewUser, options: RequestOptions = {}): Promise<User> {
    const { password, roles } = user;
    if (roles.length === 0) throw new ClientError("E_CONFIG", "a user is created with at least one role");
    return this.#changeUser(name, { password, roles }, options);
  }

  /**
   * Changes roles, and the password if one is given, of a user that is there, in one request.
   *
   * @throws {ClientError} E_CONFIG if no role is granted or revoked: the server would then create a missing user
   */
  async updateUser(name: string, change: UserChange, options: RequestOptions = {}): Promise<User> {
    const { password, grant = [], revoke = [] } = change;
    if (grant.length + revoke.length === 0) {
      throw new ClientError("E_CONFIG", "a change of a user grants or revokes at least one role");
    }
    return this.#changeUser(name, { password, grant, revoke }, options);
  }

  /** Gives a user roles that it does not have; they need not exist. */
  async grantRoles(name: string, roles: readonly string[], options: RequestOptions = {}): Promise<User> {
    return this.#changeUser(name, { grant: roles }, options);
  }

  /** Takes roles from a user that it has. */
  async revokeRoles(name: string, roles: readonly string[], options: RequestOptions = {}): Promise<User> {
    return this.#changeUser(name, { revoke: roles }, options);
  }

  /** Removes a user; `root` only while authentication is off. */
  async removeUser(name: string, options: RequestOptions = {}): Promise<void> {
    await this.#change("DELETE", at(USERS, name), options);
  }

  /** All roles by name; `root` is always there. */
  async roles(options: RequestOptions = {}): Promise<readonly Role[]> {
    return decode(rolesDecoder, await this.#get(ROLES, options)).roles;
  }

  /** One role. */
  async role(name: string, options: RequestOptions = {}): Promise<Role> {
    return decode(roleDecoder, await this.#get(at(ROLES, name), options));
  }

  /** Creates a role. */
  async createRole(name: string, permissions: Permissions, options: RequestOptions = {}): Promise<Role> {
    return this.#changeRole(name, { permissions: { kv: permissions } }, options);
  }

  /** Adds patterns that a role does not have. */
  async grantPermissions(name: string, added: Permissions, options: RequestOptions = {}): Promise<Role> {
    return this.#changeRole(name, { grant: { kv: added } }, options);
  }

  /** Takes patterns from a role; refused when that changes nothing. */
  async revokePermissions(name: string, removed: Permissions, options: RequestOptions = {}): Promise<Role> {
    return this.#changeRole(name, { revoke: { kv: removed } }, options);
  }

  /** Removes a role. Users keep its name. */
  async removeRole(name: string, options: RequestOptions = {}): Promise<void> {
    await this.#change("DELETE", at(ROLES, name), options);
  }

  async #changeUser(name: string, change: object, options: RequestOptions): Promise<User> {
    const answer = await this.#change("PUT", at(USERS, name), options, { user: name, ...change });
    return decode(changedUserDecoder, answer);
  }

  async #changeRole(name: string, change: object, options: RequestOptions): Promise<Role> {
    const answer = await this.#change("PUT", at(ROLES, name), options, { role: name, ...change });
    return decode(roleDecoder, answer);
  }

  #get(path: string, options: RequestOptions): Promise<Answer> {
    return this.#requester.send({ method: "GET", path, isSafe: true, options });
  }

  #change(
    method: ApiRequest["method"],
    path: string,
    options: RequestOptions,
    json?: object,
  ): Promise<Answer> {
    const request = { method, path, isSafe: false, options };
    if (json === undefined) return this.#requester.send(request);
    const shown = JSON.stringify(json, (name, value: unknown) => (name === "password" ? "…" : value));
    return this.#requester.send({ ...request, body: { type: JSON_TYPE, text: JSON.stringify(json), shown } });
  }
}

function at(collection: string, name: string): string {
  return `${collection}/${encodeURIComponent(name)}`;
}
