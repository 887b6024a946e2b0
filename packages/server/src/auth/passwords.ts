// Passwords as etcd stores them: bcrypt, `$2a$`, cost 10 (client-api.md §14). One check takes 50 ms, so
// it runs on the thread pool, which the log needs too: few at once, and what was right is remembered.

import { createHmac, randomBytes } from "node:crypto";
import { ErrorCode, EtcdError } from "@kv/store";

/** What makes and checks hashes. Neither blocks the event loop. */
export interface Bcrypt {
  readonly hash: (password: string) => Promise<string>;
  /** False for a text that is no hash, too. */
  readonly verify: (password: string, hash: string) => Promise<boolean>;
}

/** etcd's cost; each step more doubles the time. */
const COST = 10;

/** Two of the four threads of the pool: syncs of the log never find all of them taken. */
const RUNNING_LIMIT = 2;

/** One that comes last waits about as long as any request may: 256 checks of 50 ms, two at a time. */
const WAITING_LIMIT = 256;

/** Credentials known to be right; a digest of 43 characters each. */
const REMEMBERED_LIMIT = 1_024;

/** The native implementation, loaded with the first password: a member without users does without it. */
export const nativeBcrypt: Bcrypt = {
  hash: async (password) => {
    const { hash } = await import("@node-rs/bcrypt");
    return hash(password, { cost: COST, version: "2a" });
  },
  verify: async (password, hash) => {
    const { verify } = await import("@node-rs/bcrypt");
    return verify(password, hash);
  },
};

/**
 * Makes and checks password hashes: at most two at a time, at most 256 waiting.
 *
 * A password that was right is remembered by a keyed digest of it and its hash, so that a client pays
 * once. A changed password has another hash, hence nothing needs to be forgotten.
 */
export class Passwords {
  readonly #bcrypt: Bcrypt;
  readonly #key = randomBytes(32);
  /** Digests, the one used last at the end. */
  readonly #verified = new Set<string>();
  /** Checks under way, by digest: clients that start together with the same credentials share one. */
  readonly #checking = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;

  constructor(bcrypt: Bcrypt) {
    this.#bcrypt = bcrypt;
  }

  /**
   * Whether `password` belongs to `hash`: at once when it is known to.
   *
   * @throws {EtcdError} 300, as a rejection, when too many wait.
   */
  verify(password: string, hash: string): true | Promise<boolean> {
    const digest = this.#digest(password, hash);
    if (this.#verified.delete(digest)) {
      this.#verified.add(digest);
      return true;
    }
    const underWay = this.#checking.get(digest);
    if (underWay !== undefined) return underWay;
    const checking = this.#check(password, hash, digest);
    this.#checking.set(digest, checking);
    return checking;
  }

  /** @throws {EtcdError} 300, as a rejection, when too many wait. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => this.#bcrypt.hash(password));
  }

  async #check(password: string, hash: string, digest: string): Promise<boolean> {
    try {
      const isRight = await this.#inTurn(() => this.#bcrypt.verify(password, hash));
      if (isRight) this.#remember(digest);
      return isRight;
    } finally {
      this.#checking.delete(digest);
    }
  }

  #remember(digest: string): void {
    this.#verified.add(digest);
    if (this.#verified.size <= REMEMBERED_LIMIT) return;
    for (const oldest of this.#verified) {
      this.#verified.delete(oldest);
      return;
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#runningCount < RUNNING_LIMIT) {
      this.#runningCount++;
    } else {
      if (this.#waiting.length >= WAITING_LIMIT) {
        throw new EtcdError(ErrorCode.RaftInternal, "etcdserver: too many requests are waiting", 0);
      }
      await new Promise<void>((go) => this.#waiting.push(go)); // whoever finishes hands its place over
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#runningCount--;
      else next();
    }
  }

  /** A hash has no NUL, so the two texts cannot run into each other. */
  #digest(password: string, hash: string): string {
    return createHmac("sha256", this.#key).update(`${hash}\0${password}`).digest("base64url");
  }
}
