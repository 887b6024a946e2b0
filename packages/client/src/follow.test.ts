// Laws of watches and followers over a network that breaks at any point of any request.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Client } from "./client.ts";
import type { Node } from "./schemas.ts";
import { ManualClock, ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";
import { CALM, STORMY, simulate } from "./simulation.test.support.ts";
import type { Simulation } from "./simulation.test.support.ts";

const KEYS = ["/t/a", "/t/b", "/t/b2", "/t/d/c", "/other"];
const HISTORY_LIMIT = 8;

/** Changes keys at random moments, in bursts that the history cannot always hold; `/t/a` becomes "last" at last. */
async function change({ time, server, random }: Simulation, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (random() < 0.3) await time.delay(random() * 3_000);
    const key = KEYS[Math.floor(random() * KEYS.length)] ?? "";
    if (random() < 0.3) server.remove(key, random() < 0.5 ? "delete" : "expire");
    else server.put(key, String(i));
  }
  server.put("/t/a", "last");
}

describe("over a network that breaks", () => {
  test("a watch yields each change once and in order, or says which ones are missing", async () => {
    let gapCount = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const simulation = simulate(seed, STORMY, { historyLimit: HISTORY_LIMIT });
        const seen: number[] = [];
        const gaps: { readonly from: number; readonly through: number }[] = [];
        const end = new AbortController();
        const watch = async (): Promise<void> => {
          const options = { recursive: true, from: 1, signal: end.signal };
          for await (const event of simulation.connect().watch("/t", options)) {
            if (event.type === "gap") gaps.push(event);
            else seen.push(event.node.modifiedIndex);
          }
        };
        const changeAndEnd = async (): Promise<void> => {
          await change(simulation, 40);
          await simulation.time.delay(10 * 60_000);
          end.abort("enough");
        };

        const watching = expect(watch()).rejects.toBe("enough");
        await simulation.time.run(Promise.all([watching, changeAndEnd()]));

        gapCount += gaps.length;
        const changed = simulation.server.log.filter(({ node }) => node.key.startsWith("/t/"));
        const indexes = changed.map(({ node }) => node.modifiedIndex);
        const isMissing = (index: number): boolean =>
          gaps.some(({ from, through }) => from <= index && index <= through);
        expect(seen).toEqual(indexes.filter((index) => !isMissing(index)));
      }),
      { numRuns: 60 },
    );
    expect(gapCount).toBeGreaterThan(0);
  });

  test("what a follower yields, applied in order, is what the server has", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const simulation = simulate(seed, STORMY, { historyLimit: HISTORY_LIMIT });
        const copy = new Map<string, string>();
        const followUntilLast = async (): Promise<void> => {
          for await (const seen of simulation.connect().follow("/t", { recursive: true })) {
            if (seen.type === "state") {
              copy.clear();
              for (const node of filesOf(seen.node)) copy.set(node.key, node.value ?? "");
            } else if (seen.node.value === null) copy.delete(seen.node.key);
            else copy.set(seen.node.key, seen.node.value);
            if (copy.get("/t/a") === "last") return;
          }
        };

        await simulation.time.run(Promise.all([followUntilLast(), change(simulation, 60)]));

        const files = [...simulation.server.files].filter(([key]) => key.startsWith("/t/"));
        expect(copy).toEqual(new Map(files.map(([key, file]) => [key, file.value])));
      }),
      { numRuns: 60 },
    );
  });
});

test("a follower of a key that is not there begins with nothing, at the index of the answer", async () => {
  const { time, server, connect } = simulate(1, CALM);
  server.put("/other", "1");

  const { value } = await time.run(connect().follow("/t").next());

  expect(value).toEqual({ type: "state", node: null, etcdIndex: 1 });
});

test("a change between the read and the watch is not missed", async () => {
  const { time, server, connect } = simulate(1, CALM);
  const changes = connect().follow("/t", { recursive: true });

  await time.run(changes.next());
  server.put("/t/a", "1");
  server.put("/t/a", "2");
  const { value } = await time.run(changes.next());

  expect(value).toMatchObject({ type: "event", node: { key: "/t/a", value: "1" } });
});

test("the reads and watches of a follower have its timeout", async () => {
  const clock = new ManualClock();
  const state = { key: "/t", value: "0", modifiedIndex: 7, createdIndex: 7 };
  await using server = await ScriptedServer.start(
    json({ action: "get", node: state }),
    json(setEvent("/t", "1", 8)),
  );
  await using client = new Client({ endpoints: [server.url], clock });
  const changes = client.follow("/t", { timeoutMs: 250 });

  await changes.next();
  await changes.next();

  expect(clock.delays).toEqual([250, 250]);
});

test("a refused read ends a follower", async () => {
  const refused = { errorCode: 110, message: "The request requires user authentication", index: 0 };
  await using server = await ScriptedServer.start(json(refused, 401));
  await using client = new Client({ endpoints: [server.url] });

  await expect(client.follow("/t").next()).rejects.toMatchObject({ errorCode: 110 });
});

test("a follower that is aborted while nobody answers throws the reason", async () => {
  const { time, connect } = simulate(1, { ...CALM, refused: 1 });
  const controller = new AbortController();
  time.after(7_000, () => controller.abort("enough"));

  const next = connect().follow("/t", { signal: controller.signal }).next();

  await expect(time.run(next)).rejects.toBe("enough");
});

function filesOf(node: Node | null): readonly Node[] {
  if (node === null) return [];
  return node.dir ? (node.nodes ?? []).flatMap(filesOf) : [node];
}
