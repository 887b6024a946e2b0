import { expect, test } from "vitest";
import { EtcdError } from "@kv/store";
import { MemoryServer } from "../http/testing/memory-server.ts";
import type { Request } from "../request.ts";
import type { Result } from "../server-api.ts";
import { AuthStore } from "./auth-store.ts";
import { Passwords } from "./passwords.ts";
import { roleSchema, type Role } from "./role.ts";
import { userChangeSchema, type UserChange } from "./user.ts";

/** A member that remembers what was asked of it: the entries of its log. */
class RecordingServer extends MemoryServer {
  readonly log: string[] = [];

  override do(request: Request): Result | Promise<Result> {
    const { method, path, val, dir, prevExist } = request;
    if (method !== "GET") this.log.push(`${method} ${path} ${val} dir=${dir} prevExist=${prevExist}`);
    return super.do(request);
  }
}

function setUp() {
  const server = new RecordingServer(() => 0n);
  const passwords = new Passwords({
    hash: async (password) => `hash(${password})`,
    verify: async (password, hash) => hash === `hash(${password})`,
  });
  return { server, store: new AuthStore(server, passwords) };
}

const user = (change: object): UserChange => userChangeSchema.parse(change);
const role = (change: object): Role => roleSchema.parse(change);

// The entries of fixture v238-auth, in etcd's order; `/2/users/` and `/2/roles/` do end with a slash there.
const DIRECTORIES = [
  "PUT /2  dir=true prevExist=false",
  "PUT /2/users/  dir=true prevExist=false",
  "PUT /2/roles/  dir=true prevExist=false",
  "PUT /2/enabled false dir=false prevExist=false",
];

test("the log is that of etcd 2.3.8, entry by entry", async () => {
  const { server, store } = setUp();

  await store.createUser(user({ user: "root", password: "rootpw" }));
  await store.createRole(role({ role: "reader", permissions: { kv: { read: ["/pub/*"], write: [] } } }));
  await store.createUser(user({ user: "alice", password: "alicepw", roles: ["reader"] }));
  await store.enable();
  await store.updateRole(role({ role: "guest", revoke: { kv: { read: ["/*"], write: ["/*"] } } }));

  expect(server.log).toEqual([
    ...DIRECTORIES,
    'PUT /2/users/root {"user":"root","password":"hash(rootpw)","roles":["root"]} dir=false prevExist=false',
    'PUT /2/roles/reader {"role":"reader","permissions":{"kv":{"read":["/pub/*"],"write":[]}}} dir=false prevExist=false',
    'PUT /2/users/alice {"user":"alice","password":"hash(alicepw)","roles":["reader"]} dir=false prevExist=false',
    'PUT /2/roles/guest {"role":"guest","permissions":{"kv":{"read":["/*"],"write":["/*"]}}} dir=false prevExist=false',
    "PUT /2/enabled true dir=false prevExist=true",
    'PUT /2/roles/guest {"role":"guest","permissions":{"kv":{"read":[],"write":[]}}} dir=false prevExist=true',
  ]);
});

// Observed in the log of 3.4.23.
test("a deletion says that its key exists, and makes the directories even when it does not", async () => {
  const { server, store } = setUp();

  await expect(store.deleteUser("nobody")).rejects.toThrow("auth: User nobody does not exist");

  expect(server.log).toEqual([...DIRECTORIES, "DELETE /2/users/nobody  dir=false prevExist=true"]);
  expect(server.etcdIndex).toBe(4);
});

test("what is refused without the log leaves no entry", async () => {
  const { server, store } = setUp();

  await expect(store.updateUser(user({ user: "a", password: "p" }))).rejects.toThrow(/does not exist/);
  await expect(store.updateRole(role({ role: "a", grant: {} }))).rejects.toThrow(/does not exist/);
  await expect(store.createUser(user({ user: "a" }))).rejects.toThrow(/empty password/);
  await expect(store.createRole(role({ role: "root" }))).rejects.toThrow(/is root role/);
  await expect(store.deleteRole("root")).rejects.toThrow(/is root role/);
  await expect(store.enable()).rejects.toThrow(/No root user/);
  await expect(store.disable()).rejects.toThrow(/already disabled/);

  expect(server.log).toEqual([]);
});

test("a new start asks for the directories again, in vain and once", async () => {
  const { server, store } = setUp();
  await store.createUser(user({ user: "a", password: "p" }));
  const restarted = new AuthStore(server, new Passwords({ hash: async () => "h", verify: async () => true }));
  server.log.length = 0;
  const before = server.etcdIndex;

  await restarted.deleteUser("a");
  await restarted.createRole(role({ role: "r" }));

  expect(server.log.slice(0, 4)).toEqual(DIRECTORIES);
  expect(server.log).toHaveLength(6);
  expect(server.etcdIndex).toBe(before + 2);
});

test("a role with empty lists to grant and revoke is stored with them, as etcd does", async () => {
  const { server, store } = setUp();

  await store.createRole(role({ role: "r", grant: { kv: {} }, revoke: {} }));

  // Observed on 3.4.23.
  const nothing = '{"kv":{"read":null,"write":null}}';
  expect(server.peek("/2/roles/r")).toBe(
    `{"role":"r","permissions":${nothing},"grant":${nothing},"revoke":${nothing}}`,
  );
});

test.each([
  { role: "r", permissions: { kv: { read: ["/a", ""] } } },
  { role: "r", permissions: { kv: { write: [""] } } },
  { role: "r", grant: { kv: { write: [""] } } },
])("no role gets an empty pattern: %j", async (change) => {
  const { server, store } = setUp();
  await store.createRole(role({ role: "there" }));
  server.log.length = 0;
  const attempt =
    "grant" in change ? store.updateRole(role({ ...change, role: "there" })) : store.createRole(role(change));

  await expect(attempt).rejects.toMatchObject({ code: "E_AUTH_INVALID", message: /empty pattern/ });
  expect(server.log).toEqual([]);
});

test("an empty pattern that etcd has stored can be revoked", async () => {
  const { server, store } = setUp();
  await store.createRole(role({ role: "r" }));
  server.store.update("/2/roles/r", {
    value: '{"role":"r","permissions":{"kv":{"read":["","/a"],"write":[]}}}',
    expiration: null,
    refresh: false,
  });

  const changed = await store.updateRole(role({ role: "r", revoke: { kv: { read: [""] } } }));

  expect(changed.permissions).toEqual({ read: ["/a"], write: [] });
});

test("what happens while the directories are made is not overwritten", async () => {
  const { server, store } = setUp();
  await store.createUser(user({ user: "a", password: "p" }));
  const other = new AuthStore(server, new Passwords({ hash: async () => "h", verify: async () => true }));

  const late = other.updateUser(user({ user: "a", grant: ["late"] }));
  await store.updateUser(user({ user: "a", grant: ["early"] }));

  expect((await late).roles).toEqual(["early", "late"]);
});

test("roles of a user are a set: duplicates that were created go with the first change", async () => {
  const { store } = setUp();
  await store.createUser(user({ user: "e", password: "p", roles: ["b", "a", "b"] }));

  const changed = await store.updateUser(user({ user: "e", grant: ["c"] }));

  expect(changed).toEqual({ name: "e", password: "hash(p)", roles: ["a", "b", "c"] });
});

test("hidden names are stored but not listed; what is not readable is not there", async () => {
  const { server, store } = setUp();
  await store.createUser(user({ user: "_h", password: "p" }));
  await store.createUser(user({ user: "bad", password: "p" }));
  server.store.update("/2/users/bad", { value: "{", expiration: null, refresh: false });

  expect(await store.users()).toEqual([]);
  expect(store.user("_h")).not.toBeNull();
  expect(store.user("bad")).toBeNull();
});

test("the switch counts as no read of clients", async () => {
  const { server, store } = setUp();

  expect(store.isEnabled).toBe(false);
  await store.createRole(role({ role: "r" }));
  expect(store.isEnabled).toBe(false);

  expect(server.storeStats()).toMatchObject({ getsSuccess: 0, getsFail: 0 });
});

test("a log that does not answer is told to who asked, and the directories are tried again", async () => {
  const { server, store } = setUp();
  const answer = server.do.bind(server);
  server.do = () => Promise.reject(new EtcdError(300, "etcdserver: request timed out", 0));

  await expect(store.createRole(role({ role: "r" }))).rejects.toMatchObject({ errorCode: 300 });
  server.do = answer;
  await store.createRole(role({ role: "r" }));

  expect(server.log.slice(0, 4)).toEqual(DIRECTORIES);
});
