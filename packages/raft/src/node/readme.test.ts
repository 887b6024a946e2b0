import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const EXAMPLE_MAX_LINES = 50;

// The example as it stands, with the package names replaced by the sources they stand for.
function exampleSource(): string {
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(README) ?? [];
  return code
    .replaceAll('"@kv/raft/node"', `"${new URL("./index.ts", import.meta.url).pathname}"`)
    .replaceAll('"@kv/raft"', `"${new URL("../index.ts", import.meta.url).pathname}"`);
}

test("L-01: the example of the README counts on three members", async () => {
  const directory = mkdtempSync(join(tmpdir(), "raft-readme-"));
  const file = join(directory, "example.ts");
  writeFileSync(file, exampleSource());
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);

  try {
    await import(file);
  } finally {
    rmSync(directory, { recursive: true });
  }

  const lines = log.mock.calls.map(([line]) => String(line));
  log.mockRestore();
  expect(lines.map((line) => line.replace(/entry \d+: /, ""))).toEqual(["1", "3", "6"]);
});

test("L-01: the example of the README fits on a page", () => {
  const lines = exampleSource()
    .split("\n")
    .filter((line) => line.trim() !== "");

  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(EXAMPLE_MAX_LINES);
});
