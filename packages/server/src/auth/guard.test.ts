import { expect, test, vi } from "vitest";
import { MemoryServer } from "../http/testing/memory-server.ts";
import { AuthStore } from "./auth-store.ts";
import { Guard } from "./guard.ts";
import { Passwords } from "./passwords.ts";
import { roleSchema } from "./role.ts";
import { userChangeSchema } from "./user.ts";

const READ_P = { key: "/p", isWrite: false, recursive: false };

async function setUp() {
  const server = new MemoryServer(() => 0n);
  const verify = vi.fn(async (password: string, hash: string) => hash === `hash(${password})`);
  const passwords = new Passwords({ hash: async (password) => `hash(${password})`, verify });
  const store = new AuthStore(server, passwords);
  const addUser = (name: string, roles: readonly string[]) =>
    store.createUser(userChangeSchema.parse({ user: name, password: "pw", roles }));
  const addRole = (name: string, kv: object) =>
    store.createRole(roleSchema.parse({ role: name, permissions: { kv } }));
  await addUser("root", []);
  return { server, store, verify, addUser, addRole, guard: new Guard(store, passwords) };
}

const as = (name: string, password = "pw"): string => `Basic ${btoa(`${name}:${password}`)}`;

test("while authentication is off nobody is asked for anything", async () => {
  const { guard, verify } = await setUp();

  expect(guard.isEnabled).toBe(false);
  expect(guard.mayAccess("rubbish", READ_P)).toBe(true);
  expect(guard.isRoot(undefined)).toBe(true);
  expect(verify).not.toHaveBeenCalled();
});

test("guests and known credentials are answered without a promise", async () => {
  const { guard, store, verify } = await setUp();
  await store.enable();

  expect(guard.mayAccess(undefined, READ_P)).toBe(true);
  expect(guard.mayAccess("", READ_P)).toBe(true);
  expect(guard.mayAccess(as("nobody"), READ_P)).toBe(false);
  expect(guard.mayAccess("Basic !!!", READ_P)).toBe(false);
  expect(guard.isRoot(undefined)).toBe(false);
  expect(await guard.isRoot(as("root"))).toBe(true);
  expect(guard.isRoot(as("root"))).toBe(true);
  expect(guard.mayAccess(as("root"), READ_P)).toBe(true);
  expect(verify).toHaveBeenCalledTimes(1);
});

// client-api.md §14.5: guests are compared plainly even with recursive=true, users are not.
test.each([
  ["guest", "/p", READ_P, true],
  ["guest", "/p", { ...READ_P, recursive: true }, true],
  ["guest", "/p", { ...READ_P, isWrite: true }, false],
  ["bob", "/p", READ_P, true],
  ["bob", "/p", { ...READ_P, recursive: true }, false],
  ["bob", "/p*", { ...READ_P, recursive: true }, true],
  ["bob", "/p*", { ...READ_P, key: "/q" }, false],
  ["bob", "", { ...READ_P, key: "" }, false],
])("%s with read %j asks for %j: %s", async (who, pattern, access, isAllowed) => {
  const { guard, server, store, addUser, addRole } = await setUp();
  await addRole("r", { read: ["/unused"] });
  await addRole("guest", {});
  await addUser("bob", ["missing", "r"]);
  await store.enable();
  server.store.update(who === "guest" ? "/2/roles/guest" : "/2/roles/r", {
    value: `{"role":"r","permissions":{"kv":{"read":["${pattern}"]}}}`,
    expiration: null,
    refresh: false,
  });

  expect(await guard.mayAccess(who === "guest" ? undefined : as(who), access)).toBe(isAllowed);
});

test("users do not have what guests have, and guests have nothing without their role", async () => {
  const { guard, store, addUser } = await setUp();
  await addUser("bob", []);
  await store.enable();

  expect(await guard.mayAccess(as("bob"), READ_P)).toBe(false);
  await store.deleteRole("guest");
  expect(guard.mayAccess(undefined, READ_P)).toBe(false);
});

test.each([
  ["has another password now", { user: "bob", password: "new" }],
  ["is no longer root", { user: "bob", revoke: ["root"] }],
])("who %s while the password is checked is refused", async (_, change) => {
  const { guard, store, addUser, verify } = await setUp();
  await addUser("bob", ["root"]);
  await store.enable();
  const finish = Promise.withResolvers<boolean>();
  verify.mockReturnValueOnce(finish.promise);

  const answer = guard.isRoot(as("bob"));
  await store.updateUser(userChangeSchema.parse(change));
  finish.resolve(true);

  expect(await answer).toBe(false);
});
