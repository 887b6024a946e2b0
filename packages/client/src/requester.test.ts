import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import type { Clock } from "./clock.ts";
import { EtcdError } from "./errors.ts";
import {
  ManualClock,
  ScriptedServer,
  cut,
  deadEndpoint,
  json,
  setEvent,
  silence,
  text,
} from "./scripted-server.test.support.ts";

const OK = json(setEvent("/a", "v", 7));
const RAFT_TIMEOUT = json(
  { errorCode: 300, message: "Raft Internal Error", cause: "etcdserver: request timed out", index: 0 },
  500,
);

function clientOf(endpoints: readonly string[], options: Partial<ClientOptions> = {}): Client {
  return new Client({ endpoints, endpointOrder: "given", ...options });
}

describe("failover", () => {
  test("a write that found the connection refused goes to the next endpoint, which stays first", async () => {
    await using server = await ScriptedServer.start(OK);
    await using client = clientOf([await deadEndpoint(), server.url]);
    const refused: string[] = [];
    await using logging = clientOf([await deadEndpoint(), server.url], {
      onRequest: (r) => void refused.push(r.endpoint),
    });

    await client.keys.set("/a", "v");
    await logging.keys.set("/a", "v");
    await logging.keys.set("/a", "v");

    expect(server.lines).toEqual(["PUT /v2/keys/a", "PUT /v2/keys/a", "PUT /v2/keys/a"]);
    expect(refused.slice(1)).toEqual([server.url, server.url]);
  });

  test("a write whose connection was cut is not sent to another endpoint", async () => {
    await using first = await ScriptedServer.start(cut);
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url]);

    await expect(client.keys.set("/a", "v")).rejects.toMatchObject({
      name: "ClientError",
      code: "E_CONNECTION",
      outcomeUnknown: true,
      attempts: [{ endpoint: first.url, code: "E_CONNECTION", status: null }],
    });

    expect(first.lines).toEqual(["PUT /v2/keys/a"]);
    expect(second.lines).toEqual([]);
  });

  test("a write that timed out is not sent to another endpoint", async () => {
    const clock = new ManualClock();
    await using first = await ScriptedServer.start(() => clock.fire());
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url], { clock, timeoutMs: 250 });

    await expect(client.keys.set("/a", "v")).rejects.toMatchObject({
      code: "E_TIMEOUT",
      outcomeUnknown: true,
    });

    expect(clock.delays).toEqual([250]);
    expect(second.lines).toEqual([]);
  });

  test.each([
    ["set", (client: Client) => client.keys.set("/a", "v", { idempotent: true })],
    ["delete", (client: Client) => client.keys.delete("/a", { idempotent: true })],
    ["get", (client: Client) => client.keys.get("/a")],
  ])("an idempotent request (%s) goes to the next endpoint after a cut connection", async (_name, call) => {
    await using first = await ScriptedServer.start(cut);
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url]);

    await call(client);

    expect(second.seen).toHaveLength(1);
  });

  test("a write answered with a raft timeout is not sent again; a read is", async () => {
    await using first = await ScriptedServer.start(RAFT_TIMEOUT);
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url]);

    await expect(client.keys.set("/a", "v")).rejects.toMatchObject({
      errorCode: 300,
      status: 500,
      endpoint: first.url,
    });
    expect(second.lines).toEqual([]);

    await client.keys.get("/a", { quorum: true });
    expect(second.lines).toEqual(["GET /v2/keys/a?quorum=true"]);
  });

  test("an in-order write is never sent twice", async () => {
    await using first = await ScriptedServer.start(cut);
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url]);
    const options = { ttl: 1, idempotent: true };

    await expect(client.keys.createInOrder("/q", "v", options)).rejects.toMatchObject({
      code: "E_CONNECTION",
    });

    expect(second.lines).toEqual([]);
  });

  test("when all endpoints refuse, the error names each of them", async () => {
    const dead = [await deadEndpoint(), await deadEndpoint()];
    await using client = clientOf(dead);

    await expect(client.keys.get("/a")).rejects.toMatchObject({
      code: "E_UNREACHABLE",
      outcomeUnknown: false,
      attempts: dead.map((endpoint) => ({ endpoint, code: "E_UNREACHABLE" })),
    });
  });

  test("behind the last endpoint the first is asked again, after pauses that grow", async () => {
    const pauses: number[] = [];
    const clock: Clock = {
      after: (delayMs, callback) => {
        if (delayMs === 0.5) return () => {}; // the timeout of a request
        pauses.push(delayMs);
        queueMicrotask(callback);
        return () => {};
      },
    };
    await using first = await ScriptedServer.start(cut, RAFT_TIMEOUT, cut);
    await using second = await ScriptedServer.start(RAFT_TIMEOUT, cut, OK);
    const options = { clock, random: () => 0, timeoutMs: 0.5 };
    await using client = clientOf([first.url, second.url], options);

    await client.keys.set("/a", "v", { idempotent: true });

    expect([first.lines.length, second.lines.length]).toEqual([3, 3]);
    expect(pauses).toEqual([50, 100]);
  });

  test("a pause between two rounds ends with the signal", async () => {
    const clock = new ManualClock();
    await using client = clientOf([await deadEndpoint()], { clock, timeoutMs: 0 });
    const controller = new AbortController();

    const asked = client.keys.get("/a", { signal: controller.signal });
    while (clock.delays.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("no more"));

    await expect(asked).rejects.toThrow("no more");
  });

  test.each([
    ["more rounds are not wanted", 1, { idempotent: true }],
    ["the write may have been carried out", 3, {}],
  ])("no second round is begun when %s", async (_reason, rounds, options) => {
    await using server = await ScriptedServer.start(RAFT_TIMEOUT, OK);
    await using client = clientOf([server.url], { rounds });

    await expect(client.keys.set("/a", "v", options)).rejects.toMatchObject({ errorCode: 300 });

    expect(server.lines).toHaveLength(1);
  });

  test("an answer below 500 ends the search, and is an EtcdError with all its fields", async () => {
    const missing = json({ errorCode: 100, message: "Key not found", cause: "/a", index: 12 }, 404, 12);
    await using first = await ScriptedServer.start(missing);
    await using second = await ScriptedServer.start(OK);
    await using client = clientOf([first.url, second.url]);

    const error: unknown = await client.keys.get("/a").catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(EtcdError);
    expect(error).toMatchObject({
      errorCode: 100,
      message: "Key not found",
      etcdCause: "/a",
      index: 12,
      status: 404,
    });
    expect(second.lines).toEqual([]);
  });
});

describe("answers that are none", () => {
  test.each([
    ["not JSON", text("<html>")],
    ["JSON of another shape", json({ action: "set", node: { key: 1 } })],
    ["an unknown action", json({ action: "explode", node: { key: "/a" } })],
    ["a page instead of an error", text("404 page not found\n", 404)],
    ["a redirect", text("", 301)],
    ["nothing at all", text("")],
  ])("%s is E_BAD_RESPONSE", async (_name, step) => {
    await using server = await ScriptedServer.start(step);
    await using client = clientOf([server.url]);

    await expect(client.keys.get("/a")).rejects.toMatchObject({
      name: "ClientError",
      code: "E_BAD_RESPONSE",
    });
  });

  test("an answer longer than the limit is given up, and no other endpoint is asked for it", async () => {
    await using server = await ScriptedServer.start(json(setEvent("/a", "x".repeat(2_000), 7)));
    await using other = await ScriptedServer.start(OK);
    await using client = clientOf([server.url, other.url], { responseLimitBytes: 1_000 });

    await expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_TOO_LARGE" });

    expect(other.lines).toEqual([]);
  });
});

describe("signals", () => {
  test("an aborted call rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    await using server = await ScriptedServer.start(() => controller.abort(reason));
    await using client = clientOf([server.url, server.url]);

    await expect(client.keys.get("/a", { signal: controller.signal })).rejects.toBe(reason);

    expect(server.lines).toHaveLength(1);
  });

  test("a signal that is already aborted sends nothing", async () => {
    await using server = await ScriptedServer.start(OK);
    await using client = clientOf([server.url]);

    await expect(client.keys.get("/a", { signal: AbortSignal.abort("no") })).rejects.toBe("no");

    expect(server.lines).toEqual([]);
  });

  test("no listener and no timer is left behind", async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    await using server = await ScriptedServer.start(OK);
    await using client = clientOf([server.url], { clock });

    for (let i = 0; i < 3; i++) await client.keys.get("/a", { signal });

    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(clock.pendingCount).toBe(0);
  });

  test("closing the client ends what is in flight with E_CLOSED", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await ScriptedServer.start((response, request) => {
      silence(response, request);
      resolve();
    });
    const client = clientOf([server.url]);

    const pending = expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_CLOSED" });
    await asked;
    await client.close();
    await client.close();

    await pending;
    await expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_CLOSED" });
  });
});

test("credentials are sent with every request", async () => {
  await using server = await ScriptedServer.start(OK);
  await using client = clientOf([server.url], { credentials: { username: "root", password: "a:ö" } });

  await client.keys.get("/a");

  expect(server.seen[0]?.authorization).toBe(`Basic ${Buffer.from("root:a:ö").toString("base64")}`);
});
