// Who may do what: a request's credentials against users and roles (client-api.md §14.4, §14.5).
// Hot path: with authentication off one look at the switch; with it on no promise but for a password
// that is seen for the first time.

import type { AuthStore } from "./auth-store.ts";
import { parseCredentials } from "./credentials.ts";
import type { Passwords } from "./passwords.ts";
import { allows, GUEST_ROLE_NAME, ROOT_ROLE_NAME, type KeyAccess } from "./role.ts";
import type { User } from "./user.ts";

/** Decides about requests. Its promises reject with `EtcdError` 300 when too many passwords wait to be checked. */
export class Guard {
  readonly #store: AuthStore;
  readonly #passwords: Passwords;

  constructor(store: AuthStore, passwords: Passwords) {
    this.#store = store;
    this.#passwords = passwords;
  }

  /** Whether requests need permission at all; while they do not, nothing else need be asked. */
  get isEnabled(): boolean {
    return this.#store.isEnabled;
  }

  /** Whether the one who sent `authorization` may do something to a key. Without the header the guest role decides. */
  mayAccess(authorization: string | undefined, access: KeyAccess): boolean | Promise<boolean> {
    if (!this.isEnabled) return true;
    if (authorization === undefined || authorization === "") {
      const guest = this.#store.role(GUEST_ROLE_NAME);
      // Guests need no pattern with a star for a recursive request: 2.3.8 never asks for one.
      return guest !== null && allows(guest, { ...access, recursive: false });
    }
    return this.#authenticated(authorization, (user) => this.#mayAccess(user, access));
  }

  /** Whether the one who sent `authorization` has the role `root`. */
  isRoot(authorization: string | undefined): boolean | Promise<boolean> {
    if (!this.isEnabled) return true;
    return this.#authenticated(authorization ?? "", (user) => user.roles?.includes(ROOT_ROLE_NAME) === true);
  }

  #authenticated(authorization: string, isAllowed: (user: User) => boolean): boolean | Promise<boolean> {
    const credentials = parseCredentials(authorization);
    if (credentials === null) return false;
    const user = this.#store.user(credentials.name);
    if (user === null) return false;
    const isRight = this.#passwords.verify(credentials.password, user.password);
    if (isRight === true) return isAllowed(user);
    return isRight.then((wasRight) => {
      if (!wasRight) return false;
      const now = this.#store.user(user.name); // the user may have changed while the password was checked
      return now !== null && now.password === user.password && isAllowed(now);
    });
  }

  #mayAccess(user: User, access: KeyAccess): boolean {
    for (const name of user.roles ?? []) {
      const role = this.#store.role(name);
      if (role !== null && allows(role, access)) return true;
    }
    return false;
  }
}
