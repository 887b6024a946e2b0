// The README's example is a copy of the lines between the markers below, and they run here.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Client, EtcdError, EtcdErrorCode } from "./index.ts";
import { Cache, Counter, Queue, campaign, leader, register, lock as takeLock } from "./index.ts";
import { ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";
import { CALM, simulate } from "./simulation.test.support.ts";
import { startTestServer } from "./testing/index.ts";
import type { Step } from "./scripted-server.test.support.ts";

test("the example runs", async () => {
  const printed: unknown[] = [];
  const console = { log: (...values: unknown[]) => void printed.push(...values) };
  const compareFailed = json(
    { errorCode: 101, message: "Compare failed", cause: "[red != green]", index: 9 },
    412,
  );
  const steps: Step[] = [
    json(setEvent("/config/color", "green", 8)),
    compareFailed,
    json(setEvent("/config/color", "blue", 12)),
  ];
  await using server = await ScriptedServer.start(...steps);
  const url = server.url;

  // example
  await using client = new Client({ endpoints: [url] });

  const { node } = await client.keys.set("/config/color", "green", { ttl: 60 });

  try {
    await client.keys.compareAndSwap("/config/color", "blue", { prevValue: "red" });
  } catch (error) {
    if (!(error instanceof EtcdError && error.errorCode === EtcdErrorCode.CompareFailed)) throw error;
    console.log("changed by somebody else:", error.etcdCause);
  }

  for await (const event of client.watch("/config", { recursive: true, from: node.modifiedIndex + 1 })) {
    if (event.type === "gap") continue; // the server forgot some changes: read /config again
    console.log(event.action, event.node.key, event.node.value);
    break;
  }
  // end

  expect(printed).toEqual(["changed by somebody else:", "[red != green]", "set", "/config/color", "blue"]);
  expect(server.lines.at(-1)).toBe("GET /v2/keys/config?recursive=true&wait=true&waitIndex=9");
});

test("the recipes run", async () => {
  const printed: unknown[] = [];
  const console = { log: (...values: unknown[]) => void printed.push(...values) };
  const { time, connect } = simulate(1, CALM);
  const client = connect();
  const write = async (text: string, { fencingIndex, signal }: Fence): Promise<void> => {
    signal.throwIfAborted();
    printed.push(text, fencingIndex > 0);
    await time.delay(1_000);
  };

  const run = async (): Promise<void> => {
    // recipes
    {
      await using lock = await takeLock(client, "/locks/report", { ttl: 10 });
      await write("the report", { fencingIndex: lock.fencingIndex, signal: lock.signal });
    } // free for the next one here, or 10 s after this process has died

    await using leadership = await campaign(client, "/leader", "10.0.0.1:80", { ttl: 10 });
    console.log((await leader(client, "/leader"))?.value === "10.0.0.1:80", leadership.signal.aborted);

    const queue = new Queue(client, "/mails", { ttl: 30 });
    await queue.put("to: ann@example.org");
    const item = await queue.take();
    console.log(item.value);
    await item.done(); // without this somebody else gets the item

    const visits = new Counter(client, "/visits");
    console.log(await visits.add(1));

    await using registration = await register(client, "/services/web/1", "10.0.0.1:80", { ttl: 30 });
    await using services = await Cache.open(client, "/services");
    console.log(services.get(registration.key));
    // end
  };
  await time.run(run());

  expect(printed).toEqual(["the report", true, true, false, "to: ann@example.org", 1, "10.0.0.1:80"]);
});

test("the example of a test runs", async () => {
  // testing
  await using server = await startTestServer();
  await server.client.keys.set("/sessions/ann", "10.0.0.1", { ttl: 60 });

  await server.advance(60_001); // milliseconds, for the server only, and over at once

  await assert.rejects(server.client.keys.get("/sessions/ann"), { errorCode: 100 });
  // end
});

interface Fence {
  readonly fencingIndex: number;
  readonly signal: AbortSignal;
}

test("the README shows the examples above", async () => {
  const source = await readFile(new URL(import.meta.url), "utf8");
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const between = (marker: string, indent: number): string => {
    const lines = new RegExp(`// ${marker}\\n(.*?)\\n *// end\\n`, "s").exec(source)?.[1] ?? "";
    return lines.replaceAll(new RegExp(`^ {${indent}}`, "gm"), "");
  };
  const shown = [...readme.matchAll(/```ts\n(.*?)\n```/gs)].map(([, code]) => code);

  const imports = 'import { Client, EtcdError, EtcdErrorCode } from "@kv/client";\n\n';
  const recipeImports =
    'import { Cache, Counter, Queue, campaign, leader, register, lock as takeLock } from "@kv/client";\n\n';
  const testHead = [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    'import { startTestServer } from "@kv/client/testing";',
    "",
    'test("a session ends after a minute", async () => {\n',
  ].join("\n");
  expect(shown).toEqual([
    imports + between("example", 2).replace("[url]", '["http://127.0.0.1:2379"]'),
    recipeImports + between("recipes", 4),
    `${testHead}${between("testing", 0)}\n});`,
  ]);
});
