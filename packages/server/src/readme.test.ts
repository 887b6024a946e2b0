// The README's example with its imports replaced by what they import; the consumer project
// (scripts/test-consumer.mjs) runs it as it stands.

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clientHandler, createServer, kvEngine, systemClock } from "./index.ts";
import { temporaryDirectory } from "./server.test.support.ts";

const EXPORTED = { clientHandler, createServer, kvEngine, systemClock };

test("the example of the README runs and prints what a reader expects", async () => {
  await using directory = await temporaryDirectory();
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const example = /```ts\n(import [\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const lines = example.split("\n");
  const imports = lines.slice(0, lines.indexOf(""));
  expect(imports).toContain(`import { ${Object.keys(EXPORTED).join(", ")} } from "@kv/server";`);
  const body = stripTypeScriptTypes(`async () => {${lines.slice(imports.length).join("\n")}}`);
  const printed: string[] = [];
  const console = {
    log: (...words: unknown[]) => printed.push(words.join(" ")),
    warn: (...words: unknown[]) => printed.push(words.join(" ")),
    error: (...words: unknown[]) => printed.push(words.join(" ")),
  };

  // eslint-disable-next-line no-implied-eval, no-new-func -- the text under test is our own README
  const run = new Function(...Object.keys(EXPORTED), "mkdtempSync", "console", `return (${body})()`) as (
    ...parts: unknown[]
  ) => Promise<void>;
  await run(...Object.values(EXPORTED), () => directory.path, console);

  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(
    /^201 \{"action":"set","node":\{"key":"\/hello","value":"world","modifiedIndex":\d+,"createdIndex":\d+\}\}\n$/,
  );
});
