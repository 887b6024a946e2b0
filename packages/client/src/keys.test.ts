import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";

const FORM = "application/x-www-form-urlencoded";

/** The requests of one call against a server that accepts everything. */
async function requestsOf(call: (client: Client) => Promise<unknown>): Promise<ScriptedServer["seen"]> {
  await using server = await ScriptedServer.start(json(setEvent("/a", "v", 7)));
  await using client = new Client({ endpoints: [server.url] });
  await call(client);
  return server.seen;
}

describe("what is sent", () => {
  test.each<[string, (client: Client) => Promise<unknown>, string, string]>([
    ["get", (c) => c.keys.get("/a"), "GET /v2/keys/a", ""],
    ["get the root", (c) => c.keys.get("/"), "GET /v2/keys", ""],
    [
      "get with options, also false ones",
      (c) => c.keys.get("a b", { recursive: true, sorted: true, quorum: false }),
      "GET /v2/keys/a%20b?quorum=false&recursive=true&sorted=true",
      "",
    ],
    ["set", (c) => c.keys.set("/a", "v w&x"), "PUT /v2/keys/a", "value=v+w%26x"],
    ["set empty", (c) => c.keys.set("/a", ""), "PUT /v2/keys/a", "value="],
    ["set bytes", (c) => c.keys.set("/a", Uint8Array.of(0, 255)), "PUT /v2/keys/a", "value=%00%FF"],
    ["set with a TTL", (c) => c.keys.set("/a", "v", { ttl: 0 }), "PUT /v2/keys/a", "ttl=0&value=v"],
    ["create", (c) => c.keys.create("/a", "v"), "PUT /v2/keys/a?prevExist=false", "value=v"],
    [
      "create in order",
      (c) => c.keys.createInOrder("/q", "v", { ttl: 5 }),
      "POST /v2/keys/q",
      "ttl=5&value=v",
    ],
    [
      "create a directory in order",
      (c) => c.keys.createInOrder("/q", "", { dir: true, ttl: 5 }),
      "POST /v2/keys/q?dir=true",
      "ttl=5",
    ],
    ["update", (c) => c.keys.update("/a", "v", { ttl: 9 }), "PUT /v2/keys/a?prevExist=true", "ttl=9&value=v"],
    ["refresh", (c) => c.keys.refresh("/a", 30), "PUT /v2/keys/a?prevExist=true", "refresh=true&ttl=30"],
    [
      "compare and swap",
      (c) => c.keys.compareAndSwap("/a", "new", { prevValue: "old one", prevIndex: 3 }),
      "PUT /v2/keys/a?prevIndex=3&prevValue=old+one",
      "value=new",
    ],
    ["delete", (c) => c.keys.delete("/a"), "DELETE /v2/keys/a", ""],
    [
      "delete a tree",
      (c) => c.keys.delete("/d", { recursive: true }),
      "DELETE /v2/keys/d?recursive=true",
      "",
    ],
    [
      "compare and delete",
      (c) => c.keys.compareAndDelete("/a", { prevIndex: 4 }),
      "DELETE /v2/keys/a?prevIndex=4",
      "",
    ],
    [
      "make a directory",
      (c) => c.keys.mkdir("/d", { ttl: 9 }),
      "PUT /v2/keys/d?dir=true&prevExist=false",
      "ttl=9",
    ],
    ["set a directory", (c) => c.keys.setDir("/d"), "PUT /v2/keys/d?dir=true", ""],
    ["update a directory", (c) => c.keys.updateDir("/d"), "PUT /v2/keys/d?dir=true&prevExist=true", ""],
  ])("%s", async (_name, call, line, body) => {
    const [request] = await requestsOf(call);

    expect(`${request?.method} ${request?.url}`).toBe(line);
    expect(request?.body).toBe(body);
    if (body !== "") expect(request?.contentType).toBe(FORM);
  });

  test.each<[string, (client: Client) => Promise<unknown>]>([
    ["index 0", (c) => c.keys.compareAndSwap("/a", "v", { prevIndex: 0 })],
    ["an empty value", (c) => c.keys.compareAndDelete("/a", { prevValue: "" })],
  ])("a compare with %s, which the server would take for no condition, is refused", async (_name, call) => {
    await expect(requestsOf(async (client) => call(client))).rejects.toMatchObject({ code: "E_CONFIG" });
  });
});

describe("what is understood", () => {
  test("absent members of a node become null, false, zero or the empty key", async () => {
    await using server = await ScriptedServer.start(json({ action: "get", node: { dir: true } }, 200, 3));
    await using client = new Client({ endpoints: [server.url] });

    expect(await client.keys.get("/")).toEqual({
      action: "get",
      node: {
        key: "",
        value: null,
        dir: true,
        ttl: null,
        expiration: null,
        nodes: null,
        createdIndex: 0,
        modifiedIndex: 0,
      },
      prevNode: null,
      etcdIndex: 3,
    });
  });

  test("a tree of any depth, TTLs and previous nodes are kept", async () => {
    const leaf = {
      key: "/d/e/f",
      value: "",
      modifiedIndex: 5,
      createdIndex: 5,
      ttl: 9,
      expiration: "2026-01-02T03:04:05.5Z",
    };
    const inner = { key: "/d/e", dir: true, nodes: [leaf], modifiedIndex: 4, createdIndex: 4 };
    const node = { key: "/d", dir: true, nodes: [inner], modifiedIndex: 4, createdIndex: 4 };
    await using server = await ScriptedServer.start(json({ action: "get", node, prevNode: leaf }));
    await using client = new Client({ endpoints: [server.url] });

    const result = await client.keys.get("/d", { recursive: true });

    expect(result.node.nodes?.[0]?.nodes?.[0]).toEqual({ ...leaf, dir: false, nodes: null });
    expect(result.prevNode?.expiration).toBe("2026-01-02T03:04:05.5Z");
  });
});
