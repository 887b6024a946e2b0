import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { Store } from "./store.ts";

test("the example of the README runs and prints what a reader expects", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const example = /```ts\n(import [\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const body = stripTypeScriptTypes(example.replace('import { Store } from "@kv/store";', ""));
  const printed: string[] = [];

  // eslint-disable-next-line no-implied-eval, no-new-func -- the text under test is our own README
  new Function("Store", "console", body)(Store, {
    log: (...words: unknown[]) => printed.push(words.join(" ")),
  });

  expect(printed).toEqual(["set /1/app/color blue 1", "compareAndSwap /1/app/color green 2", "true 2"]);
});
