// The README's example is a copy of the lines between the markers below, and they run here.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Client, EtcdError, EtcdErrorCode } from "./index.ts";
import { ScriptedServer, json, setEvent } from "./scripted-server.test.support.ts";
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

test("the README shows the example above", async () => {
  const source = await readFile(new URL(import.meta.url), "utf8");
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = /\/\/ example\n(.*?)\n *\/\/ end\n/s.exec(source)?.[1]?.replaceAll(/^ {2}/gm, "");
  const shown = /```ts\n(.*?)\n```/s.exec(readme)?.[1];

  const imports = 'import { Client, EtcdError, EtcdErrorCode } from "@kv/client";\n\n';
  expect(shown).toBe(imports + example?.replace("[url]", '["http://127.0.0.1:2379"]'));
});
