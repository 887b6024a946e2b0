import { describe, expect, test } from "vitest";
import type { Auth } from "./auth.ts";
import { Client } from "./client.ts";
import type { SentRequest } from "./requester.ts";
import { json, ScriptedServer } from "./scripted-server.test.support.ts";
import type { Step } from "./scripted-server.test.support.ts";
import { startTestServer } from "./testing/index.ts";

const READER = { role: "reader", permissions: { kv: { read: ["/pub/*"], write: null } } };
const ROLE = { name: "reader", permissions: { read: ["/pub/*"], write: [] } };

const empty: Step = (response) => void response.writeHead(200, { "content-type": "application/json" }).end();

async function call<T>(step: Step, use: (auth: Auth) => Promise<T>) {
  await using server = await ScriptedServer.start(step);
  const shown: SentRequest[] = [];
  await using client = new Client({
    endpoints: [server.url],
    credentials: { username: "root", password: "pw" },
    onRequest: (request) => shown.push(request),
  });
  const result = await use(client.auth);
  const [request] = server.seen;
  if (request === undefined) throw new Error("nothing was asked");
  return { result, line: `${request.method} ${request.url}`, request, shown: shown[0]?.body };
}

// The answers are recordings of conformance/cases/auth.jsonl.
describe("reads", () => {
  test("the switch", async () => {
    const { result, line, request } = await call(json({ enabled: true }), (auth) => auth.isEnabled());

    expect([result, line]).toEqual([true, "GET /v2/auth/enable"]);
    expect(request.authorization).toBe("Basic cm9vdDpwdw==");
  });

  test("users, with the names of their roles in the order of the server", async () => {
    const users = { users: [{ user: "a" }, { user: "b", roles: [READER, { ...READER, role: "another" }] }] };

    const { result, line } = await call(json(users), (auth) => auth.users());

    expect(line).toBe("GET /v2/auth/users");
    expect(result).toEqual([
      { name: "a", roles: [] },
      { name: "b", roles: ["reader", "another"] },
    ]);
  });

  test("no users at all", async () => {
    expect((await call(json({ users: null }), (auth) => auth.users())).result).toEqual([]);
  });

  test("one user, whose name may be anything", async () => {
    const { result, line } = await call(json({ user: "ż/?", roles: [READER] }), (auth) => auth.user("ż/?"));

    expect(result).toEqual({ name: "ż/?", roles: ["reader"] });
    expect(line).toBe("GET /v2/auth/users/%C5%BC%2F%3F");
  });

  test("roles", async () => {
    const all = await call(json({ roles: [READER] }), (auth) => auth.roles());
    const one = await call(json(READER), (auth) => auth.role("reader"));

    expect([all.line, all.result]).toEqual(["GET /v2/auth/roles", [ROLE]]);
    expect([one.line, one.result]).toEqual(["GET /v2/auth/roles/reader", ROLE]);
  });
});

describe("changes", () => {
  test.each([
    ["PUT /v2/auth/enable", (auth: Auth) => auth.enable()],
    ["DELETE /v2/auth/enable", (auth: Auth) => auth.disable()],
    ["DELETE /v2/auth/users/a", (auth: Auth) => auth.removeUser("a")],
    ["DELETE /v2/auth/roles/r", (auth: Auth) => auth.removeRole("r")],
  ])("%s", async (expected, use) => {
    const { line, request } = await call(empty, use);

    expect([line, request.body]).toEqual([expected, ""]);
  });

  test.each<[(auth: Auth) => Promise<unknown>, object]>([
    [(auth) => auth.setPassword("a", "p"), { user: "a", password: "p" }],
    [
      (auth) => auth.createUser("a", { password: "p", roles: ["r", "s"] }),
      { user: "a", password: "p", roles: ["r", "s"] },
    ],
    [
      (auth) => auth.updateUser("a", { password: "p", grant: ["r"] }),
      { user: "a", password: "p", grant: ["r"], revoke: [] },
    ],
    [(auth) => auth.updateUser("a", { revoke: ["r"] }), { user: "a", grant: [], revoke: ["r"] }],
    [(auth) => auth.grantRoles("a", ["r"]), { user: "a", grant: ["r"] }],
    [(auth) => auth.revokeRoles("a", ["r"]), { user: "a", revoke: ["r"] }],
  ])("of a user: %#", async (use, body) => {
    const { line, request, result } = await call(json({ user: "a", roles: null }, 201), use);

    expect(line).toBe("PUT /v2/auth/users/a");
    expect(JSON.parse(request.body)).toEqual(body);
    expect(request.contentType).toBe("application/json");
    expect(result).toEqual({ name: "a", roles: [] });
  });

  test.each<[string, (auth: Auth) => Promise<unknown>]>([
    ["creates a user without roles", (auth) => auth.createUser("a", { password: "p", roles: [] })],
    ["changes a password alone", (auth) => auth.updateUser("a", { password: "p", grant: [] })],
  ])("one that %s is refused: the server would take it for another", async (_what, use) => {
    await using server = await ScriptedServer.start(json({ user: "a", roles: null }));
    await using client = new Client({ endpoints: [server.url] });

    await expect(use(client.auth)).rejects.toMatchObject({ code: "E_CONFIG" });

    expect(server.lines).toEqual([]);
  });

  const permissions = { read: ["/a"], write: [] };
  test.each<[(auth: Auth) => Promise<unknown>, object]>([
    [(auth) => auth.createRole("reader", permissions), { permissions: { kv: permissions } }],
    [(auth) => auth.grantPermissions("reader", permissions), { grant: { kv: permissions } }],
    [(auth) => auth.revokePermissions("reader", permissions), { revoke: { kv: permissions } }],
  ])("of a role: %#", async (use, body) => {
    const { line, request, result } = await call(json(READER, 201), use);

    expect(line).toBe("PUT /v2/auth/roles/reader");
    expect(JSON.parse(request.body)).toEqual({ role: "reader", ...body });
    expect(result).toEqual(ROLE);
  });

  test("a password does not reach the debug log", async () => {
    const { request, shown } = await call(json({ user: "a", roles: [] }), (auth) =>
      auth.setPassword("a", "secret"),
    );

    expect(request.body).toContain("secret");
    expect(shown).toBe('{"user":"a","password":"…"}');
  });
});

test("a server takes roles with a new user, and a password with a change of roles", async () => {
  await using server = await startTestServer();
  const { auth } = server.client;

  const created = await auth.createUser("ann", { password: "p", roles: ["r", "s"] });
  const changed = await auth.updateUser("ann", { password: "q", grant: ["t"], revoke: ["r"] });
  const again = auth.createUser("ann", { password: "p", roles: ["r"] });

  expect(created).toEqual({ name: "ann", roles: ["r", "s"] });
  expect(changed).toEqual({ name: "ann", roles: ["s", "t"] });
  await expect(again).rejects.toMatchObject({ status: 409, message: "auth: User ann already exists." });
  await expect(auth.updateUser("bob", { grant: ["r"] })).rejects.toMatchObject({ status: 404 });
});

test("a refusal is the server's text", async () => {
  const refused = call(json({ message: "auth: User a does not exist." }, 404), (auth) => auth.user("a"));

  await expect(refused).rejects.toMatchObject({
    name: "EtcdError",
    status: 404,
    errorCode: null,
    message: "auth: User a does not exist.",
  });
});
