// Users, roles and the switch, in the replicated store below /2 (client-api.md §14, disk-format.md §6.5).
// Reads are local and at once; each change is one request through the log, the same as etcd's to the bit.

import { compareText, ErrorCode, EtcdError } from "@kv/store";
import { newRequest, type Request } from "../request.ts";
import type { Server } from "../server-api.ts";
import { AuthError } from "./auth-error.ts";
import { JsonReader } from "./json-reader.ts";
import type { Passwords } from "./passwords.ts";
import {
  changedRole,
  checkPatterns,
  GUEST_ROLE_NAME,
  NEW_GUEST_ROLE,
  ROOT_ROLE,
  ROOT_ROLE_NAME,
  roleJson,
  roleSchema,
  type Role,
} from "./role.ts";
import {
  changedUser,
  ROOT_USER_NAME,
  userJson,
  userSchema,
  withRootRole,
  type User,
  type UserChange,
} from "./user.ts";

const ROOT = "/2";
const SWITCH = "/2/enabled";
const USERS = "/2/users";
const ROLES = "/2/roles";

/** Directories as etcd asks for them, trailing slashes included: they are in the log. */
const DIRECTORIES = [ROOT, "/2/users/", "/2/roles/"];

/** What of a member the users and roles live in. */
export type AuthServer = Pick<Server, "peek" | "names" | "do" | "etcdIndex">;

/**
 * The users, the roles and the switch of a cluster, seen from one member.
 *
 * Changes are not serialised, as in etcd: of two clients that change one user at the same time, the
 * last one wins. All changes reject with `EtcdError` 300 when the log does not answer.
 */
export class AuthStore {
  readonly #server: AuthServer;
  readonly #passwords: Passwords;
  readonly #userReader = new JsonReader(userSchema);
  readonly #roleReader = new JsonReader(roleSchema);
  /** Whether this member knows that the directories exist. etcd asks for them once after each start. */
  #hasDirectories = false;
  /** The store index at which the switch was looked at. */
  #switchSeenAt = -1;
  #isSwitchedOn = false;

  constructor(server: AuthServer, passwords: Passwords) {
    this.#server = server;
    this.#passwords = passwords;
  }

  /** Whether requests need permission. Hot path: once per request, so the store is asked once per state of it. */
  get isEnabled(): boolean {
    const { etcdIndex } = this.#server;
    if (etcdIndex !== this.#switchSeenAt) {
      this.#switchSeenAt = etcdIndex;
      this.#isSwitchedOn = this.#server.peek(SWITCH) === "true";
    }
    return this.#isSwitchedOn;
  }

  /** A user; null when there is none, or what is stored is none. */
  user(name: string): User | null {
    const user = this.#read(`${USERS}/${name}`, this.#userReader);
    return user === null ? null : withRootRole(user);
  }

  /** A role; null when there is none, or what is stored is none. */
  role(name: string): Role | null {
    return name === ROOT_ROLE_NAME ? ROOT_ROLE : this.#read(`${ROLES}/${name}`, this.#roleReader);
  }

  /** All users but hidden ones, by name. */
  async users(): Promise<User[]> {
    const names = this.#names(USERS);
    return names.map((name) => this.user(name)).filter((user) => user !== null);
  }

  /** All roles but hidden ones, by name. */
  async roles(): Promise<Role[]> {
    const names = [ROOT_ROLE_NAME, ...this.#names(ROLES)].toSorted(compareText);
    return names.map((name) => this.role(name)).filter((role) => role !== null);
  }

  /**
   * Requires permission from now on; guests keep all of it until their role is changed.
   *
   * @throws {AuthError}
   */
  async enable(): Promise<void> {
    if (this.isEnabled) throw new AuthError("E_AUTH_CONFLICT", "already enabled");
    if (this.user(ROOT_USER_NAME) === null) {
      throw new AuthError("E_AUTH_CONFLICT", "No root user available, please create one");
    }
    if (this.role(GUEST_ROLE_NAME) === null) await this.createRole(NEW_GUEST_ROLE);
    await this.#put(SWITCH, "true", { exists: true });
  }

  /** @throws {AuthError} */
  async disable(): Promise<void> {
    if (!this.isEnabled) throw new AuthError("E_AUTH_CONFLICT", "already disabled");
    await this.#put(SWITCH, "false", { exists: true });
  }

  /** @throws {AuthError} */
  async createUser(change: UserChange): Promise<User> {
    const { name } = change;
    if (change.password === "") {
      throw new AuthError("E_AUTH_INVALID", `Cannot create user ${name} with an empty password`);
    }
    const password = await this.#passwords.hash(change.password);
    const user = withRootRole({ name, password, roles: change.roles });
    const isNew = await this.#put(`${USERS}/${name}`, userJson(user), { exists: false });
    if (!isNew) throw new AuthError("E_AUTH_CONFLICT", `User ${name} already exists.`);
    return user;
  }

  /** @throws {AuthError} */
  async updateUser(change: UserChange): Promise<User> {
    const { name } = change;
    const password = change.password === "" ? null : await this.#passwords.hash(change.password);
    return this.#replace(`${USERS}/${name}`, userJson, () => {
      const old = this.user(name);
      if (old === null) throw userNotFound(name);
      return changedUser(old, change, password);
    });
  }

  /** @throws {AuthError} */
  async deleteUser(name: string): Promise<void> {
    if (name === ROOT_USER_NAME && this.isEnabled) {
      throw new AuthError("E_AUTH_FORBIDDEN", "Cannot delete root user while auth is enabled.");
    }
    const wasThere = await this.#delete(`${USERS}/${name}`);
    // 2.3.8 ends this text without the full stop that the same text has elsewhere.
    if (!wasThere) throw new AuthError("E_AUTH_NOT_FOUND", `User ${name} does not exist`);
  }

  /** @throws {AuthError} */
  async createRole(role: Role): Promise<void> {
    checkIsNotRoot(role.name);
    checkPatterns(role);
    const isNew = await this.#put(`${ROLES}/${role.name}`, roleJson(role), { exists: false });
    if (!isNew) throw new AuthError("E_AUTH_CONFLICT", `Role ${role.name} already exists.`);
  }

  /** @throws {AuthError} */
  async updateRole(change: Role): Promise<Role> {
    const { name } = change;
    checkIsNotRoot(name);
    checkPatterns(change);
    return this.#replace(`${ROLES}/${name}`, roleJson, () => {
      const old = this.role(name);
      if (old === null) throw roleNotFound(name);
      return changedRole(old, change);
    });
  }

  /** @throws {AuthError} */
  async deleteRole(name: string): Promise<void> {
    checkIsNotRoot(name);
    const wasThere = await this.#delete(`${ROLES}/${name}`);
    if (!wasThere) throw new AuthError("E_AUTH_NOT_FOUND", `Role ${name} doesn't exist.`);
  }

  #read<T>(path: string, reader: JsonReader<T>): T | null {
    const text = this.#server.peek(path);
    return text === null ? null : reader.read(text);
  }

  #names(directory: string): string[] {
    try {
      return this.#server.names(directory).toSorted(compareText);
    } catch (error) {
      if (error instanceof EtcdError && error.errorCode === ErrorCode.KeyNotFound) return [];
      throw error;
    }
  }

  /** `change` is asked twice: what it refuses must not create directories, and they take time. */
  async #replace<T>(path: string, json: (value: T) => string, change: () => T): Promise<T> {
    change();
    await this.#ensureDirectories();
    const changed = change();
    await this.#put(path, json(changed), { exists: true });
    return changed;
  }

  /** @returns false when `exists` is wrong. */
  async #put(path: string, value: string, { exists }: { readonly exists: boolean }): Promise<boolean> {
    await this.#ensureDirectories();
    const request = newRequest("PUT", path);
    request.val = value;
    request.prevExist = exists;
    return this.#succeeds(request, exists ? ErrorCode.KeyNotFound : ErrorCode.KeyExists);
  }

  /** @returns false when there was nothing. */
  async #delete(path: string): Promise<boolean> {
    await this.#ensureDirectories();
    const request = newRequest("DELETE", path);
    request.prevExist = true; // it has no effect, but etcd's log has it
    return this.#succeeds(request, ErrorCode.KeyNotFound);
  }

  async #ensureDirectories(): Promise<void> {
    if (this.#hasDirectories) return;
    for (const path of DIRECTORIES) {
      const request = newRequest("PUT", path);
      request.dir = true;
      request.prevExist = false;
      // One after the other: each needs the one before.
      await this.#succeeds(request, ErrorCode.KeyExists);
    }
    const request = newRequest("PUT", SWITCH);
    request.val = "false";
    request.prevExist = false;
    await this.#succeeds(request, ErrorCode.KeyExists);
    this.#hasDirectories = true;
  }

  /** Whether a request was carried out; false when it was refused with `refusal`. */
  async #succeeds(request: Request, refusal: ErrorCode): Promise<boolean> {
    try {
      await this.#server.do(request);
      return true;
    } catch (error) {
      if (error instanceof EtcdError && error.errorCode === refusal) return false;
      throw error;
    }
  }
}

/** The answer to who asks for a user that is not there. */
export function userNotFound(name: string): AuthError {
  return new AuthError("E_AUTH_NOT_FOUND", `User ${name} does not exist.`);
}

/** The answer to who asks for a role that is not there. */
export function roleNotFound(name: string): AuthError {
  return new AuthError("E_AUTH_NOT_FOUND", `Role ${name} does not exist.`);
}

function checkIsNotRoot(name: string): void {
  if (name !== ROOT_ROLE_NAME) return;
  throw new AuthError("E_AUTH_FORBIDDEN", `Cannot modify role ${name}: is root role.`);
}
