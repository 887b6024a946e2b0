import { assert, asyncProperty, constantFrom, pre, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { nativeBcrypt, Passwords, type Bcrypt } from "./passwords.ts";

/** A bcrypt that ends its work when it is told to; `right` is the only right password. */
class SteppedBcrypt implements Bcrypt {
  readonly asked: string[] = [];
  readonly #finish: (() => void)[] = [];

  readonly hash = async (password: string): Promise<string> => {
    await this.#step(password);
    return `hash of ${password}`;
  };

  readonly verify = async (password: string): Promise<boolean> => {
    await this.#step(password);
    return password === "right";
  };

  get runningCount(): number {
    return this.#finish.length;
  }

  async finishAll(): Promise<void> {
    while (this.#finish.length > 0) {
      this.#finish.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #step(password: string): Promise<void> {
    this.asked.push(password);
    return new Promise((resolve) => this.#finish.push(resolve));
  }
}

describe("with etcd's hashes", () => {
  // From the fixture v238-auth, written by etcd 2.3.8.
  test.each([
    ["rootpw", "$2a$10$RRfS.FAIrIwoaVtITRusR.1rzvpSORY2AaHxMV.JJskZcgsSTZsvm", true],
    ["rootpW", "$2a$10$RRfS.FAIrIwoaVtITRusR.1rzvpSORY2AaHxMV.JJskZcgsSTZsvm", false],
    ["alicepw", "$2a$10$cfl1F47xfYbGuyHdl.afde8p4kLUUG1yadZLbANPqksaowKfhueyW", true],
    ["", "", false],
    ["x", "no hash", false],
    ["x", "$2a$10$short", false],
  ])("%j against %j: %s", async (password, hash, isRight) => {
    expect(await new Passwords(nativeBcrypt).verify(password, hash)).toBe(isRight);
  });

  test("a new hash has etcd's form and is checked", async () => {
    const passwords = new Passwords(nativeBcrypt);

    const hash = await passwords.hash("p:ä☃\0");

    expect(hash).toMatch(/^\$2a\$10\$[./0-9A-Za-z]{53}$/);
    expect(await passwords.verify("p:ä☃\0", hash)).toBe(true);
    expect(await passwords.verify("p:ä☃", hash)).toBe(false);
  });
});

test("what was right is known at once, and only with the hash that it was checked against", async () => {
  const bcrypt = new SteppedBcrypt();
  const passwords = new Passwords(bcrypt);

  const first = passwords.verify("right", "old");
  await bcrypt.finishAll();

  expect(await first).toBe(true);
  expect(passwords.verify("right", "old")).toBe(true);
  expect(passwords.verify("right", "new")).toBeInstanceOf(Promise);
  await bcrypt.finishAll();
});

test("what was wrong is checked again", async () => {
  const bcrypt = new SteppedBcrypt();
  const passwords = new Passwords(bcrypt);

  const first = passwords.verify("wrong", "hash");
  await bcrypt.finishAll();
  const second = passwords.verify("wrong", "hash");
  await bcrypt.finishAll();

  expect([await first, await second]).toEqual([false, false]);
  expect(bcrypt.asked).toEqual(["wrong", "wrong"]);
});

test("clients with the same credentials share a check", async () => {
  const bcrypt = new SteppedBcrypt();
  const passwords = new Passwords(bcrypt);

  const answers = Promise.all(Array.from({ length: 5 }, async () => passwords.verify("right", "hash")));
  await bcrypt.finishAll();

  expect(await answers).toEqual([true, true, true, true, true]);
  expect(bcrypt.asked).toEqual(["right"]);
});

test("two run at a time, 256 wait, and one more is refused", async () => {
  const bcrypt = new SteppedBcrypt();
  const passwords = new Passwords(bcrypt);

  const answers = Array.from({ length: 258 }, async (_, i) => passwords.verify(`wrong ${i}`, "hash"));
  expect(bcrypt.runningCount).toBe(2);
  await expect(passwords.verify("one more", "hash")).rejects.toMatchObject({ errorCode: 300 });
  await expect(passwords.hash("one more")).rejects.toMatchObject({ errorCode: 300 });

  await bcrypt.finishAll();
  expect(new Set(await Promise.all(answers))).toEqual(new Set([false]));
  expect(bcrypt.asked).toHaveLength(258);
});

test("a failure is told to those who wait for it, and gives its place back", async () => {
  let failures = 3;
  const passwords = new Passwords({
    hash: () => Promise.reject(new Error("unused")),
    verify: () => (failures-- > 0 ? Promise.reject(new Error("no library")) : Promise.resolve(true)),
  });

  for (let i = 0; i < 3; i++) await expect(passwords.verify("p", "h")).rejects.toThrow("no library");

  expect(await passwords.verify("p", "h")).toBe(true);
});

test("the oldest of 1,024 remembered ones is forgotten first", async () => {
  const asked: string[] = [];
  const passwords = new Passwords({
    hash: () => Promise.reject(new Error("unused")),
    verify: async (password) => asked.push(password) > 0,
  });
  const isKnown = (password: string): boolean => passwords.verify(password, "hash") === true;

  for (let i = 0; i < 1_024; i++) await passwords.verify(String(i), "hash");
  expect(isKnown("0")).toBe(true); // and now it is the one used last
  await passwords.verify("1024", "hash");

  expect(isKnown("0")).toBe(true);
  expect(isKnown("1")).toBe(false);
  expect(isKnown("1024")).toBe(true);
});

test("a password and a hash do not run into each other", async () => {
  const text = string({ unit: constantFrom("a", "\0", "$") });
  const hash = string({ unit: constantFrom("a", "$") });
  await assert(
    asyncProperty(text, hash, text, hash, async (password, of, other, otherOf) => {
      pre(password !== other || of !== otherOf);
      const fresh = new Passwords({ ...nativeBcrypt, verify: () => Promise.resolve(true) });
      await fresh.verify(password, of);

      expect(fresh.verify(other, otherOf)).toBeInstanceOf(Promise);
    }),
  );
});
