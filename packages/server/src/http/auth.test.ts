import { beforeEach, describe, expect, test } from "vitest";
import { HttpBodyError, type HttpHandler, type HttpResponse } from "@kv/rafthttp/http";
import { EtcdError } from "@kv/store";
import { clientHandler } from "./client-handler.ts";
import { fakeProcess } from "./testing/fake-process.ts";
import { bodyOf, fakeRequest, headerOf } from "./testing/fake-request.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

const REFUSED = '{"message":"Insufficient credentials"}';
const KEY_REFUSED =
  '{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials","index":0}\n';

let server: MemoryServer;
let handler: HttpHandler;

beforeEach(() => {
  server = new MemoryServer(() => 0n);
  handler = clientHandler(server, { now: () => 0n, logger: silentLogger, process: fakeProcess([]) });
});

async function ask(method: string, url: string, body = "", authorization = ""): Promise<HttpResponse> {
  return handler(fakeRequest(method, url, { body, headers: { authorization } }));
}

async function answer(method: string, url: string, body = "", authorization = "") {
  const response = await ask(method, url, body, authorization);
  return [response.status, await bodyOf(response)];
}

const as = (name: string, password: string): string => `Basic ${btoa(`${name}:${password}`)}`;
const ROOT = as("root", "pw");

async function enable(): Promise<void> {
  await ask("PUT", "/v2/auth/users/root", '{"user":"root","password":"pw"}');
  await ask("PUT", "/v2/auth/enable");
}

test.each(["/v2/auth", "/v2/auth/", "/v2/auth/usersx", "/v2/auth/enable/", "/v2/auth/other/a"])(
  "%s is nothing",
  async (path) => {
    expect(await answer("GET", path)).toEqual([404, "404 page not found\n"]);
  },
);

test.each([null, "2.0.0"])("a cluster of version %s knows no users", async (version) => {
  server.clusterVersion = version;

  for (const path of ["/v2/auth/users", "/v2/auth/roles/a/b", "/v2/auth/enable"]) {
    expect(await answer("PATCH", path)).toEqual([
      500,
      '{"message":"Not capable of accessing auth feature during rolling upgrades."}',
    ]);
  }
});

describe("the order of checks", () => {
  beforeEach(enable);

  test.each([
    ["PATCH", "/v2/auth/users/a/b", 400], // the path before the method
    ["PATCH", "/v2/auth/users/a", 405], // the method before permission
    ["PUT", "/v2/auth/users/a", 401], // permission before the body
    ["GET", "/v2/auth/users?x=%zz", 401],
    ["DELETE", "/v2/members", 401], // permission before the id
    ["PATCH", "/v2/members/x", 405],
    ["PUT", "/config/local/log", 401], // unlike 2.3.8 (client-api.md §18)
    ["GET", "/config/local/log", 405],
  ])("%s %s is %i", async (method, url, status) => {
    const response = await ask(method, url, "{");

    expect(response.status).toBe(status);
    expect(headerOf(response, "X-Etcd-Cluster-Id")).toBeUndefined();
    expect(headerOf(response, "WWW-Authenticate")).toBeUndefined();
    if (status === 401) expect(await bodyOf(response)).toBe(REFUSED);
  });

  test.each([
    ["PUT", "/v2/auth/users/a", 400],
    ["GET", "/v2/auth/users?x=%zz", 500],
    ["GET", "/v2/auth/roles?x=%zz", 500],
    ["GET", "/v2/auth/users/root?x=%zz", 500],
    ["GET", "/v2/auth/roles/root?x=%zz", 200],
    ["DELETE", "/v2/members", 405],
    ["PUT", "/config/local/log", 400],
  ])("%s %s is %i for root", async (method, url, status) => {
    expect((await ask(method, url, "{", ROOT)).status).toBe(status);
  });
});

test.each([
  "/version",
  "/health",
  "/v2/machines",
  "/v2/members",
  "/v2/stats/self",
  "/v2/stats/store",
  "/v2/auth/enable",
  "/metrics",
  "/debug/vars",
])("%s is open to everybody", async (path) => {
  await enable();

  expect((await ask("GET", path, "", as("root", "wrong"))).status).toBe(200);
});

test("an empty pattern is refused with the reason", async () => {
  expect(await answer("PUT", "/v2/auth/roles/r", '{"role":"r","permissions":{"kv":{"read":[""]}}}')).toEqual([
    400,
    '{"message":"auth: Role r contains an empty pattern"}',
  ]);
});

test("a body that is too large is no JSON; one that breaks off has nobody to answer", async () => {
  const request = fakeRequest("PUT", "/v2/auth/users/a");
  const broken = (code: "too_large" | "aborted") =>
    handler({ ...request, body: () => Promise.reject(new HttpBodyError(code, code)) });

  expect(await bodyOf(await broken("too_large"))).toBe('{"message":"Invalid JSON in request body."}');
  await expect(broken("aborted")).rejects.toMatchObject({ code: "aborted" });
});

test("a log that does not answer is a 500 without details", async () => {
  server.do = () => Promise.reject(new EtcdError(300, "etcdserver: request timed out", 0));

  expect(await answer("PUT", "/v2/auth/roles/r", '{"role":"r"}')).toEqual([
    500,
    '{"message":"Internal Server Error"}',
  ]);
});

describe("keys", () => {
  test("a guest and credentials that are known are answered without a promise", async () => {
    await enable();
    await ask("GET", "/v2/keys/", "", ROOT);

    for (const authorization of ["", ROOT]) {
      const request = fakeRequest("GET", "/v2/keys/", { headers: { authorization } });
      expect(handler(request)).toMatchObject({ status: 200 });
    }
  });

  test("a refusal names the cluster and comes before the store is touched", async () => {
    await enable();
    await ask("DELETE", "/v2/auth/roles/guest", "", ROOT);
    const before = server.storeStats();

    const response = await ask("PUT", "/v2/keys/a", "value=1");

    expect([response.status, await bodyOf(response)]).toEqual([401, KEY_REFUSED]);
    expect(headerOf(response, "X-Etcd-Cluster-Id")).toBe(server.clusterId);
    expect(server.storeStats()).toEqual(before);
    expect((await ask("GET", "/v2/keys/?wait=true")).status).toBe(401);
    expect(server.storeStats().watchers).toBe(0);
  });

  test.each([
    ["GET", 404],
    ["HEAD", 404],
    ["PUT", 401],
    ["POST", 401],
    ["DELETE", 401],
  ])("%s of a guest who may only read is %i", async (method, status) => {
    await enable();
    const change = '{"role":"guest","revoke":{"kv":{"write":["/*"]}}}';
    await ask("PUT", "/v2/auth/roles/guest", change, ROOT);

    expect((await ask(method, "/v2/keys/none", "value=1")).status).toBe(status);
  });

  test("fifty wrong passwords at once hold nobody up", async () => {
    await enable();
    await ask("PUT", "/v2/keys/a", "value=1");
    let refusedCount = 0;
    const wrong = Array.from({ length: 50 }, async (_, i) => {
      const { status } = await ask("GET", "/v2/keys/a", "", as("root", `wrong ${i}`));
      if (status === 401) refusedCount++;
    });

    for (let i = 0; i < 10; i++) {
      expect((await ask("PUT", "/v2/keys/a", `value=${i}`)).status).toBe(200);
      await new Promise((resolve) => setImmediate(resolve)); // a turn of the event loop
    }
    const refusedMeanwhile = refusedCount;
    await Promise.all(wrong);

    // Two are checked at a time, so ten turns are over long before half of them are.
    expect(refusedMeanwhile).toBeLessThan(25);
    expect(refusedCount).toBe(50);
  });
});
