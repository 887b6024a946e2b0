import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ScriptedServer, json, text } from "./scripted-server.test.support.ts";

const N1 = {
  id: "8e9e05c52164694d",
  name: "n1",
  peerURLs: ["http://h:2380"],
  clientURLs: ["http://h1:2379", "http://h2:2379"],
};
const UNSTARTED = { id: "1", name: "", peerURLs: ["http://h:1"], clientURLs: [] };

async function withServer<T>(
  step: ReturnType<typeof json>,
  use: (client: Client, server: ScriptedServer) => Promise<T>,
): Promise<T> {
  await using server = await ScriptedServer.start(step);
  await using client = new Client({ endpoints: [server.url], endpointOrder: "given", rounds: 1 });
  return await use(client, server);
}

describe("members", () => {
  test("the list and the leader are read, of members that have not started too", async () => {
    await withServer(json({ members: [N1, UNSTARTED] }), async (client, server) => {
      expect(await client.members.list()).toEqual([N1, UNSTARTED]);
      expect(server.lines).toEqual(["GET /v2/members"]);
    });
    await withServer(json(N1), async (client, server) => {
      expect(await client.members.leader()).toEqual(N1);
      expect(server.lines).toEqual(["GET /v2/members/leader"]);
    });
  });

  test("no leader is an EtcdError without a code", async () => {
    const election = json({ message: "During election" }, 503, null);
    const expected = { errorCode: null, message: "During election", status: 503, index: null };

    await withServer(election, async (client, server) => {
      await expect(client.members.leader()).rejects.toMatchObject({
        ...expected,
        attempts: [
          {
            endpoint: server.url,
            code: "E_STATUS",
            status: 503,
            message: `${server.url} answered status 503: During election`,
          },
        ],
      });
    });
  });

  test("changes are sent as JSON", async () => {
    await withServer(json(UNSTARTED, 201), async (client, server) => {
      expect(await client.members.add(["http://h:1"])).toEqual(UNSTARTED);
      expect(server.seen[0]).toMatchObject({
        method: "POST",
        url: "/v2/members",
        contentType: "application/json",
        body: '{"peerURLs":["http://h:1"]}',
      });
    });
    await withServer(text("", 204), async (client, server) => {
      await client.members.remove("a/b");
      await client.members.update("1", ["http://h:2"]);
      expect(server.lines).toEqual(["DELETE /v2/members/a%2Fb", "PUT /v2/members/1"]);
      expect(server.seen[1]?.body).toBe('{"peerURLs":["http://h:2"]}');
    });
  });
});

describe("sync", () => {
  test("the advertised URLs of all members replace the endpoints", async () => {
    await withServer(json({ members: [N1, UNSTARTED] }), async (client) => {
      expect(await client.sync()).toEqual(["http://h1:2379", "http://h2:2379"]);
      expect(client.endpoints).toEqual(["http://h1:2379", "http://h2:2379"]);
    });
  });

  test("no advertised URL is an error and keeps the endpoints", async () => {
    await withServer(json({ members: [UNSTARTED] }), async (client, server) => {
      await expect(client.sync()).rejects.toMatchObject({ code: "E_NO_ENDPOINTS" });
      expect(client.endpoints).toEqual([server.url]);
    });
  });
});

describe("health and version", () => {
  test.each([
    ['{"health": "true"}', 200, true],
    ['{"health": "false"}\n', 503, false],
  ])("%j with status %i is %s", async (body, status, isHealthy) => {
    await withServer(text(body, status), async (client) => {
      expect(await client.health()).toBe(isHealthy);
    });
  });

  test("a request meant for one endpoint asks that one, and does not pin it", async () => {
    await using other = await ScriptedServer.start(text('{"health": "true"}'));
    await withServer(json({ etcdserver: "2.3.8", etcdcluster: "2.3.0" }), async (client) => {
      expect(await client.health({ endpoint: other.url })).toBe(true);
      expect(await client.version()).toEqual({ etcdserver: "2.3.8", etcdcluster: "2.3.0" });
    });
    expect(other.lines).toEqual(["GET /health"]);
  });
});

describe("stats", () => {
  const SELF = {
    name: "n1",
    id: "1",
    state: "StateLeader",
    startTime: "2026-01-02T03:04:05Z",
    leaderInfo: { leader: "1", uptime: "1m2s", startTime: "2026-01-02T03:04:05Z" },
    recvAppendRequestCnt: 0,
    sendAppendRequestCnt: 4,
  };
  const LATENCY = {
    current: 1.5,
    average: 2,
    standardDeviation: 0,
    minimum: 9223372036854775808,
    maximum: 0,
  };
  const FOLLOWERS = { "2": { latency: LATENCY, counts: { fail: 0, success: 3 } } };

  test("rates that a single member omits are 0", async () => {
    await withServer(json(SELF), async (client) => {
      expect(await client.stats.self()).toEqual({
        ...SELF,
        recvPkgRate: 0,
        recvBandwidthRate: 0,
        sendPkgRate: 0,
        sendBandwidthRate: 0,
      });
    });
  });

  test("the leader's followers are read", async () => {
    await withServer(json({ leader: "1", followers: FOLLOWERS }), async (client) => {
      expect(await client.stats.leader()).toEqual({ leader: "1", followers: FOLLOWERS });
    });
  });

  test("a position that is missing is no answer of the API", async () => {
    await withServer(json(SELF), async (client) => {
      await expect(client.stats.raft()).rejects.toMatchObject({ code: "E_BAD_RESPONSE" });
    });
  });

  test("store counts that are missing are no answer of the API", async () => {
    await withServer(json({ getsSuccess: 1 }), async (client) => {
      await expect(client.stats.store()).rejects.toMatchObject({ code: "E_BAD_RESPONSE" });
    });
  });
});

test.each([
  [{ endpoints: [] }, "E_NO_ENDPOINTS"],
  [{ endpoints: ["h:1"], timeoutMs: -1 }, "E_CONFIG"],
  [{ endpoints: ["h:1"], responseLimitBytes: 0 }, "E_CONFIG"],
])("options %j are refused with %s", (options, code) => {
  expect(() => new Client(options)).toThrow(expect.objectContaining({ code }));
});
