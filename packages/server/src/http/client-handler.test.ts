import { beforeEach, describe, expect, test, vi } from "vitest";
import { HttpBodyError, type HttpHandler, type HttpRequest, type HttpResponse } from "@kv/rafthttp/http";
import { parseNodeId } from "@kv/raft/codec";
import { clientHandler } from "./client-handler.ts";
import { KeyMetrics } from "./key-metrics.ts";
import { bodyOf, fakeRequest, headerOf, type FakeRequestOptions } from "./testing/fake-request.ts";
import { MemoryServer } from "./testing/memory-server.ts";
import { silentLogger } from "./testing/silent-logger.ts";

const NOW = 1_795_000_000_000_000_000n;

let server: MemoryServer;
let handler: HttpHandler;

beforeEach(() => {
  server = new MemoryServer(() => NOW);
  handler = clientHandler(server, { now: () => NOW, logger: silentLogger });
});

async function ask(method: string, url: string, options?: FakeRequestOptions): Promise<HttpResponse> {
  return handler(fakeRequest(method, url, options));
}

async function put(url: string, body: string): Promise<HttpResponse> {
  return ask("PUT", url, { body });
}

describe("dispatch", () => {
  test.each([
    "/v2/keysfoo",
    "/v2/machines/",
    "/version/",
    "/v2/stats",
    "/v2/stats/store/",
    "/v2",
    "/",
    "/members",
    "/raft",
    "/metrics",
    "/V2/keys",
  ])("%s is nothing", async (path) => {
    const response = await ask("POST", path);

    expect(response.status).toBe(404);
    expect(await bodyOf(response)).toBe("404 page not found\n");
    expect(response.headers).toEqual([
      ["Content-Type", "text/plain; charset=utf-8"],
      ["X-Content-Type-Options", "nosniff"],
    ]);
  });

  test.each([
    ["/v2/keys/a", "PATCH", "HEAD,GET,PUT,POST,DELETE"],
    ["/v2/keys/a", "get", "HEAD,GET,PUT,POST,DELETE"],
    ["/v2/members", "HEAD", "GET,POST,DELETE,PUT"],
    ["/v2/machines", "PUT", "GET,HEAD"],
    ["/v2/stats/self", "HEAD", "GET"],
    ["/v2/stats/leader", "PUT", "GET"],
    ["/v2/stats/store", "DELETE", "GET"],
    ["/version", "HEAD", "GET"],
    ["/health", "POST", "GET"],
  ])("%s does not have %s", async (path, method, allow) => {
    const response = await ask(method, path);

    expect(response.status).toBe(405);
    expect(headerOf(response, "Allow")).toBe(allow);
    expect(headerOf(response, "X-Etcd-Cluster-Id")).toBeUndefined();
    expect(await bodyOf(response)).toBe("Method Not Allowed\n");
  });

  test.each(["/v2/keys/a", "/nothing", "/v2//keys", "/version"])(
    "OPTIONS %s is an empty 200",
    async (path) => {
      expect(await ask("OPTIONS", path)).toEqual({ status: 200, headers: [], body: null });
    },
  );

  test("an unclean path is redirected before anything looks at it", async () => {
    const response = await ask("DELETE", "/v2/keys/a/../b?recursive=zzz");

    expect(response.status).toBe(301);
    expect(headerOf(response, "Location")).toBe("/v2/keys/b?recursive=zzz");
  });
});

describe("keys", () => {
  test("a read is answered without a promise", () => {
    const response = handler(fakeRequest("GET", "/v2/keys/?recursive=true"));

    expect(response).not.toBeInstanceOf(Promise);
    expect(response).toMatchObject({
      status: 200,
      headers: [
        ["Content-Type", "application/json"],
        ["X-Etcd-Cluster-Id", "cdf818194e3a8c32"],
        ["X-Etcd-Index", "0"],
        ["X-Raft-Index", "4"],
        ["X-Raft-Term", "2"],
      ],
      body: '{"action":"get","node":{"dir":true}}\n',
    });
  });

  test("the raft index is the one at the time of the answer", async () => {
    const response = put("/v2/keys/a", "value=1");
    server.raftIndex = 77;

    expect(headerOf(await response, "X-Raft-Index")).toMatch(/^7[78]$/);
  });

  test.each([
    ["PUT", "value=1", 201, "set"],
    ["POST", "value=1", 201, "create"],
    ["PUT", "prevExist=false", 201, "create"],
  ])("%s with %s is %i, action %s", async (method, body, status, action) => {
    const response = await ask(method, "/v2/keys/new", { body });

    expect(response.status).toBe(status);
    expect(JSON.parse(await bodyOf(response))).toMatchObject({ action });
  });

  test("errors name keys as clients do and have no raft headers", async () => {
    const response = await ask("GET", "/v2/keys/no");

    expect(response.status).toBe(404);
    expect(response.headers.map(([name]) => name)).toEqual([
      "Content-Type",
      "X-Etcd-Cluster-Id",
      "X-Etcd-Index",
    ]);
    expect(await bodyOf(response)).toBe(
      '{"errorCode":100,"message":"Key not found","cause":"/no","index":0}\n',
    );
  });

  test("an error about the root has no cause, unless it is that it is read-only", async () => {
    const swap = await ask("DELETE", "/v2/keys?prevValue=x");
    const remove = await ask("DELETE", "/v2/keys/?recursive=true");

    expect(await bodyOf(swap)).toBe('{"errorCode":102,"message":"Not a file","index":0}\n');
    expect(await bodyOf(remove)).toBe(
      '{"errorCode":107,"message":"Root is read only","cause":"/","index":0}\n',
    );
  });

  test("a form body is read for PUT and POST only, and only when it says that it is a form", async () => {
    const body = "value=x";
    const asText = await ask("PUT", "/v2/keys/a", { body, headers: { "content-type": "text/plain" } });
    const untyped = await ask("PUT", "/v2/keys/b", { body, headers: { "content-type": "" } });
    const upper = await ask("PUT", "/v2/keys/c", {
      body,
      headers: { "content-type": "Application/X-WWW-Form-URLencoded; charset=x" },
    });
    const removed = await ask("DELETE", "/v2/keys/c", { body: "prevValue=nope" });

    expect(await bodyOf(asText)).toContain('"value":""');
    expect(await bodyOf(untyped)).toContain('"value":""');
    expect(await bodyOf(upper)).toContain('"value":"x"');
    expect(removed.status).toBe(200);
  });

  test("a Content-Type that is none is error 210", async () => {
    const response = await ask("PUT", "/v2/keys/a", { headers: { "content-type": "a b" } });

    expect(response.status).toBe(400);
    expect(await bodyOf(response)).toContain('"errorCode":210,"message":"Invalid POST form","cause":"mime: ');
  });

  test("a form beyond the limit is error 210; a client that is gone is left to the engine", async () => {
    const request = fakeRequest("PUT", "/v2/keys/a", { body: "" });
    const broken = (error: Error): HttpRequest => ({ ...request, latin1: () => Promise.reject(error) });

    const tooLarge = await handler(broken(new HttpBodyError("too_large", "")));

    expect(await bodyOf(tooLarge)).toBe(
      '{"errorCode":210,"message":"Invalid POST form","cause":"http: POST too large","index":0}\n',
    );
    const gone = new HttpBodyError("aborted", "");
    await expect(handler(broken(gone))).rejects.toBe(gone);
  });

  // Observed on 3.4.23.
  test.each([
    ["PUT", "/v2/keys/a", "value=2", '{"action":"set"}\n'],
    ["PUT", "/v2/keys/a?prevExist=true", "value=2", '{"action":"update"}\n'],
    ["PUT", "/v2/keys/a?prevValue=1", "value=2", '{"action":"compareAndSwap"}\n'],
    ["POST", "/v2/keys/d", "value=2", '{"action":"create"}\n'],
    ["DELETE", "/v2/keys/a", "", expect.stringContaining('"prevNode":{"key":"/a"')],
    ["GET", "/v2/keys/a", "", expect.stringContaining('"value":"1"')],
  ])("noValueOnSuccess on %s %s", async (method, url, body, expected) => {
    await put("/v2/keys/a", "value=1");

    const response = await ask(method, `${url}${url.includes("?") ? "&" : "?"}noValueOnSuccess=true`, {
      body,
    });

    expect(await bodyOf(response)).toEqual(expected);
  });

  test.each(["", "&quorum=true"])(
    "a large directory is shown as it was when it was read%s, and timed until it is printed",
    async (quorum) => {
      const metrics = new KeyMetrics();
      handler = clientHandler(server, { now: () => NOW, logger: silentLogger, metrics });
      for (let i = 0; i < 5_000; i++) await put(`/v2/keys/d/${i}`, "value=old");
      const url = `/v2/keys/d?recursive=true&sorted=true${quorum}`;
      const { durations } = metrics.byMethod[quorum === "" ? "GET" : "QGET"];

      const pending = ask("GET", url);
      await Promise.resolve(); // a read through the log has its place in it
      await put("/v2/keys/d/0", "value=new");
      expect(durations.counts.reduce((a, b) => a + b)).toBe(0);
      const response = await pending;

      expect(headerOf(response, "X-Etcd-Index")).toBe("5000");
      const { node } = JSON.parse(await bodyOf(response)) as {
        node: { nodes: { key: string; value: string }[] };
      };
      expect(node.nodes).toHaveLength(5_000);
      expect(node.nodes[0]).toMatchObject({ key: "/d/0", value: "old" });
      expect(durations.counts.reduce((a, b) => a + b)).toBe(1);
    },
  );

  test("a watch answers with its head at once and closes its watcher when the client leaves", async () => {
    const response = await ask("GET", "/v2/keys/a?wait=true&stream=true");

    expect(response.status).toBe(200);
    expect(server.storeStats().watchers).toBe(1);
    const body = response.body as AsyncIterable<string>;
    await body[Symbol.asyncIterator]().return?.();
    expect(server.storeStats().watchers).toBe(0);
  });

  test("what nobody expected is a 500 without details, and a log line", async () => {
    const error = vi.fn<(message: string) => void>();
    const broken = Object.assign(new MemoryServer(() => NOW), {
      do: () => Promise.reject(new Error("secret")),
    });
    handler = clientHandler(broken, { now: () => NOW, logger: { ...silentLogger, error } });

    const response = await ask("GET", "/v2/keys/a");

    expect(response.status).toBe(500);
    expect(await bodyOf(response)).toBe('{"message":"Internal Server Error"}');
    expect(error).toHaveBeenCalledOnce();
  });
});

describe("small resources", () => {
  test("/version names the server and the cluster, once decided", async () => {
    expect(await bodyOf(await ask("GET", "/version"))).toBe('{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}');

    server.clusterVersion = null;
    expect(await bodyOf(await ask("GET", "/version"))).toBe(
      '{"etcdserver":"2.3.8","etcdcluster":"not_decided"}',
    );
  });

  test("/health says what the server knows", async () => {
    const well = await ask("GET", "/health");
    server.isWell = false;
    const ill = await ask("GET", "/health");

    expect([well.status, await bodyOf(well)]).toEqual([200, '{"health": "true"}']);
    expect([ill.status, await bodyOf(ill)]).toEqual([503, '{"health": "false"}\n']);
    expect(headerOf(ill, "X-Content-Type-Options")).toBe("nosniff");
  });

  test("/v2/machines lists all client URLs in byte order", async () => {
    const members = server.members();
    vi.spyOn(server, "members").mockReturnValue(
      members.flatMap((member) => [
        { ...member, clientUrls: ["http://b:1", "http://B:1"] },
        { ...member, clientUrls: ["http://a:1"] },
        { ...member, clientUrls: [] },
      ]),
    );

    expect(await bodyOf(await ask("GET", "/v2/machines"))).toBe("http://B:1, http://a:1, http://b:1");
  });

  test("/v2/stats/self leaves out rates that are 0", async () => {
    server.sendPackageRate = 1.5;
    vi.stubEnv("TZ", "UTC");

    expect(await bodyOf(await ask("GET", "/v2/stats/self"))).toBe(
      '{"name":"memory","id":"8e9e05c52164694d","state":"StateLeader","startTime":"2023-11-14T22:13:20.12Z",' +
        '"leaderInfo":{"leader":"8e9e05c52164694d","uptime":"26388h53m19s","startTime":"2023-11-14T22:13:21Z"},' +
        '"recvAppendRequestCnt":0,"sendAppendRequestCnt":7,"sendPkgRate":1.5}',
    );
    vi.unstubAllEnvs();
  });

  test("/v2/stats/leader lists followers in string order, and is refused elsewhere", async () => {
    const latency = { current: 0.5, average: 0.25, standardDeviation: 0, minimum: 0.125, maximum: 0.5 };
    const stats = { latency, fail: 1, success: 2 };
    server.followers = new Map([
      [parseNodeId("b"), stats],
      [parseNodeId("10"), stats],
    ]);
    const json =
      '{"latency":{"current":0.5,"average":0.25,"standardDeviation":0,"minimum":0.125,"maximum":0.5},"counts":{"fail":1,"success":2}}';

    expect(await bodyOf(await ask("GET", "/v2/stats/leader"))).toBe(
      `{"leader":"8e9e05c52164694d","followers":{"10":${json},"b":${json}}}`,
    );

    server.followers = null;
    const elsewhere = await ask("GET", "/v2/stats/leader");
    expect([elsewhere.status, await bodyOf(elsewhere)]).toEqual([403, '{"message":"not current leader"}']);
  });

  test("/v2/stats/store prints the counters in etcd's order", async () => {
    await put("/v2/keys/a", "value=1");

    const body = await bodyOf(await ask("GET", "/v2/stats/store"));

    expect(body).toMatch(/^\{"getsSuccess":0,"getsFail":0,"setsSuccess":1,.*"expireCount":0,"watchers":0\}$/);
    expect(Object.keys(JSON.parse(body) as object)).toHaveLength(16);
  });
});
