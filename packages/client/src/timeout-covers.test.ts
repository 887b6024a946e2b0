import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ManualClock, ScriptedServer, setEvent } from "./scripted-server.test.support.ts";
import type { Transport } from "./transport.ts";

describe("what a timeout covers", () => {
  test("the head: a body may come later than the timeout", async () => {
    const clock = new ManualClock();
    const transport = slowBody(clock);
    await using client = new Client({
      endpoints: ["h:1"],
      clock,
      transport,
      timeoutMs: 250,
      timeoutCovers: "head",
    });

    expect((await client.keys.get("/a")).node.value).toBe("v");
    expect(clock.delays).toEqual([250]);
  });

  test("the head: a server that sends none has timed out", async () => {
    const clock = new ManualClock();
    await using server = await ScriptedServer.start(() => clock.fire());
    await using client = new Client({
      endpoints: [server.url],
      clock,
      rounds: 1,
      timeoutMs: 250,
      timeoutCovers: "head",
    });

    await expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_TIMEOUT" });
  });

  test("the whole answer, unless the client is told otherwise", async () => {
    const clock = new ManualClock();
    const transport = slowBody(clock);
    await using client = new Client({ endpoints: ["h:1"], clock, transport, rounds: 1, timeoutMs: 250 });

    await expect(client.keys.get("/a")).rejects.toMatchObject({ code: "E_TIMEOUT" });
  });
});

/** Answers the head, and the body when the timeout is over. */
function slowBody(clock: ManualClock): Transport {
  return {
    send: ({ signal }) =>
      Promise.resolve({
        status: 200,
        header: () => null,
        body: (async function* () {
          await Promise.resolve(); // the head is there
          clock.fire();
          signal.throwIfAborted();
          yield Buffer.from(JSON.stringify(setEvent("/a", "v", 7)));
        })(),
      }),
    close: () => Promise.resolve(),
  };
}
