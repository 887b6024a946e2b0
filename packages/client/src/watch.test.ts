import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import type { WatchEvent, WatchOptions } from "./watch.ts";
import {
  ManualClock,
  ScriptedServer,
  cut,
  cutAfterHead,
  deadEndpoint,
  hastyClock,
  json,
  setEvent,
  silence,
  text,
} from "./scripted-server.test.support.ts";
import type { Step } from "./scripted-server.test.support.ts";

const TIMEOUT_MS = 60_000;

/** A server whose history begins at `oldest` and ends at `index`, asked for an older index. */
function cleared(oldest: number, wanted: number, index: number): Step {
  return clearedBecause(`the requested history has been cleared [${oldest}/${wanted}]`, index);
}

function clearedBecause(cause: string, index: number): Step {
  const message = "The event in requested index is outdated and cleared";
  return json({ errorCode: 401, message, cause, index }, 400);
}

/** Runs a watch against a script and returns its first events and the requests made. */
async function play(
  steps: readonly Step[],
  count: number,
  options: WatchOptions = {},
  clientOptions: Partial<ClientOptions> = {},
): Promise<{ events: WatchEvent[]; lines: string[]; delays: readonly number[] }> {
  const clock = hastyClock(TIMEOUT_MS);
  await using server = await ScriptedServer.start(...steps);
  await using client = new Client({
    endpoints: [server.url],
    clock,
    timeoutMs: TIMEOUT_MS,
    random: () => 0,
    ...clientOptions,
  });
  const events: WatchEvent[] = [];
  for await (const event of client.watch("/a", options)) {
    events.push(event);
    if (events.length === count) break;
  }
  return { events, lines: server.lines, delays: clock.delays };
}

const values = (events: readonly WatchEvent[]): unknown[] =>
  events.map((event) => (event.type === "event" ? event.node.value : event.type));

/** Values, and of gaps their bounds. */
const gapsOf = (events: readonly WatchEvent[]): unknown[] =>
  events.map((event) => (event.type === "gap" ? [event.from, event.through] : event.node.value));

describe("where the next poll starts", () => {
  test("the first poll asks for what is to come, each later one for what follows the last event", async () => {
    const { events, lines } = await play(
      [json(setEvent("/a", "one", 8)), json(setEvent("/a", "two", 20)), json(setEvent("/a", "three", 21))],
      3,
    );

    expect(values(events)).toEqual(["one", "two", "three"]);
    expect(lines).toEqual([
      "GET /v2/keys/a?wait=true",
      "GET /v2/keys/a?wait=true&waitIndex=9",
      "GET /v2/keys/a?wait=true&waitIndex=21",
    ]);
  });

  test("from and recursive are sent", async () => {
    const { lines } = await play([json(setEvent("/a/b", "one", 8))], 1, { from: 5, recursive: true });

    expect(lines).toEqual(["GET /v2/keys/a?recursive=true&wait=true&waitIndex=5"]);
  });

  test("a first poll that breaks after it was accepted at index 7 goes on from 8, so nothing in between is lost", async () => {
    const { events, lines } = await play([cutAfterHead(7), json(setEvent("/a", "one", 8))], 1);

    expect(values(events)).toEqual(["one"]);
    expect(lines).toEqual(["GET /v2/keys/a?wait=true", "GET /v2/keys/a?wait=true&waitIndex=8"]);
  });

  test("a poll from an index that breaks is repeated from the same index: its event may be in the history", async () => {
    const { lines } = await play([cutAfterHead(7), json(setEvent("/a", "one", 6))], 1, { from: 5 });

    expect(lines).toEqual(["GET /v2/keys/a?wait=true&waitIndex=5", "GET /v2/keys/a?wait=true&waitIndex=5"]);
  });

  test("an answer without an event, as a server that stops gives, is a broken connection", async () => {
    const { events } = await play([text(""), json(setEvent("/a", "one", 8))], 1);

    expect(values(events)).toEqual(["one"]);
  });
});

test.each([
  ["a body that ends inside the event", text('{"action":"set","node":{"key":"/a","val')],
  ["a proxy that reaches no member", text("<html>Service Unavailable</html>", 503)],
])("%s is a broken connection", async (_what, step) => {
  const { events } = await play([step, json(setEvent("/a", "one", 8))], 1, { from: 8 });

  expect(values(events)).toEqual(["one"]);
});

describe("cleared history", () => {
  test("a gap tells which indexes are lost, and the watch goes on with the oldest that the server has", async () => {
    const { events, lines } = await play([cleared(51, 2, 1050), json(setEvent("/a", "one", 60))], 2, {
      from: 2,
    });

    expect(events[0]).toMatchObject({
      type: "gap",
      from: 2,
      through: 50,
      error: { errorCode: 401, etcdCause: "the requested history has been cleared [51/2]" },
    });
    expect(values(events)).toEqual(["gap", "one"]);
    expect(lines[1]).toBe("GET /v2/keys/a?wait=true&waitIndex=51");
  });

  test("a history that is cleared again meanwhile is another gap, which then goes up to the present", async () => {
    const { events, lines } = await play(
      [cleared(51, 2, 1050), cleared(53, 51, 1052), json(setEvent("/a", "one", 1060))],
      3,
      { from: 2 },
    );

    expect(gapsOf(events)).toEqual([[2, 50], [51, 1052], "one"]);
    expect(lines[2]).toBe("GET /v2/keys/a?wait=true&waitIndex=1053");
  });

  test("after an event a gap is again only what is lost", async () => {
    const { events } = await play(
      [cleared(51, 2, 1050), json(setEvent("/a", "one", 60)), cleared(70, 61, 1069)],
      3,
      { from: 2 },
    );

    expect(gapsOf(events)).toEqual([[2, 50], "one", [61, 69]]);
  });

  test.each([
    ["of another form", ""],
    ["about another index", "the requested history has been cleared [51/3]"],
    ["with an oldest index that is no later one", "the requested history has been cleared [2/2]"],
    ["with an oldest index that is yet to come", "the requested history has been cleared [2000/2]"],
  ])("with a cause %s the gap goes up to the present", async (_what, cause) => {
    const { events, lines } = await play(
      [clearedBecause(cause, 1050), json(setEvent("/a", "one", 1060))],
      2,
      { from: 2 },
    );

    expect(gapsOf(events)).toEqual([[2, 1050], "one"]);
    expect(lines[1]).toBe("GET /v2/keys/a?wait=true&waitIndex=1051");
  });
});

describe("reconnecting", () => {
  test("the back-off doubles up to its limit and starts anew after an event", async () => {
    const event = json(setEvent("/a", "one", 8));
    const { delays } = await play([cut, cut, cut, cut, cut, cut, cut, event, cut, event], 2);

    expect(delays).toEqual([50, 100, 200, 400, 800, 1_600, 2_500, 50]);
  });

  test("a server error is waited out", async () => {
    const { events } = await play(
      [json({ message: "Internal Server Error" }, 500), json(setEvent("/a", "one", 8))],
      1,
    );

    expect(values(events)).toEqual(["one"]);
  });

  test("the next member takes over a broken watch", async () => {
    await using other = await ScriptedServer.start(json(setEvent("/a", "there", 9)));
    await using first = await ScriptedServer.start(cutAfterHead(7));
    await using client = new Client({
      endpoints: [first.url, other.url],
      endpointOrder: "given",
      clock: hastyClock(TIMEOUT_MS),
      timeoutMs: TIMEOUT_MS,
    });

    const { value } = await client.watch("/a").next();

    expect(value).toMatchObject({ type: "event", node: { value: "there" } });
    expect(first.lines).toHaveLength(1);
    expect(other.lines).toEqual(["GET /v2/keys/a?wait=true&waitIndex=8"]);
  });

  test("with a reconnectLimit the watch gives up after so many failures in a row", async () => {
    const watching = play([cut], 1, { reconnectLimit: 2 });

    await expect(watching).rejects.toMatchObject({ code: "E_CONNECTION" });
  });

  test("nobody there at all is E_UNREACHABLE once the limit is reached", async () => {
    await using client = new Client({ endpoints: [await deadEndpoint()] });

    await expect(client.watch("/a", { reconnectLimit: 0 }).next()).rejects.toMatchObject({
      code: "E_UNREACHABLE",
    });
  });

  test("what reconnecting cannot mend is thrown at once", async () => {
    const denied = json(
      { errorCode: 110, message: "The request requires user authentication", index: 0 },
      401,
    );

    await expect(play([denied], 1)).rejects.toMatchObject({ errorCode: 110 });
    await expect(play([text("<html>")], 1)).rejects.toMatchObject({ code: "E_BAD_RESPONSE" });
  });
});

test("the timeout of a watch ends with the head of the answer, so a quiet watch may last", async () => {
  const clock = new ManualClock();
  const { promise: answered, resolve } = Promise.withResolvers<ServerResponse>();
  await using server = await ScriptedServer.start((response) => {
    response.writeHead(200, { "x-etcd-index": "7" });
    response.write("\n", () => resolve(response));
  });
  await using client = new Client({ endpoints: [server.url], clock, timeoutMs: 250 });

  const next = client.watch("/a").next();
  const response = await answered;
  await clock.noTimer();
  clock.fire();
  response.end(JSON.stringify(setEvent("/a", "late", 8)));

  expect((await next).value).toMatchObject({ type: "event", node: { value: "late" } });
  expect(clock.delays).toEqual([250]);
});

test("a watch has a timeout of its own", async () => {
  const clock = new ManualClock();
  await using server = await ScriptedServer.start(json(setEvent("/a", "one", 8)));
  await using client = new Client({ endpoints: [server.url], clock });

  await client.watch("/a", { timeoutMs: 250 }).next();

  expect(clock.delays).toEqual([250]);
});

describe("the end", () => {
  test("aborting ends a waiting watch with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const abort: Step = (response, request) => {
      silence(response, request);
      controller.abort(reason);
    };

    await expect(play([abort], 1, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("aborting ends a watch that is waiting to reconnect", async () => {
    const controller = new AbortController();
    await using client = new Client({
      endpoints: [await deadEndpoint()],
      clock: {
        after: (delayMs) => {
          if (delayMs < TIMEOUT_MS) controller.abort("enough");
          return () => undefined;
        },
      },
      timeoutMs: TIMEOUT_MS,
    });

    await expect(client.watch("/a", { signal: controller.signal }).next()).rejects.toBe("enough");
  });

  test("closing the client ends a waiting watch with E_CLOSED", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await ScriptedServer.start(() => resolve());
    const client = new Client({ endpoints: [server.url] });

    const next = expect(client.watch("/a").next()).rejects.toMatchObject({ code: "E_CLOSED" });
    await asked;
    await client.close();

    await next;
  });
});
