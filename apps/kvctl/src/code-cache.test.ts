import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { codeCacheDirectory } from "./code-cache.ts";

let own: string;
beforeEach(() => {
  own = mkdtempSync(join(tmpdir(), "kvctl-code-cache-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(own, { recursive: true });
});

test.each([
  ["in the user's directory for such things", { XDG_CACHE_HOME: "OWN", HOME: "/nowhere" }, "OWN/kvctl"],
  ["below HOME", { HOME: "OWN" }, "OWN/.cache/kvctl"],
  ["below HOME where the other is no path", { XDG_CACHE_HOME: "cache", HOME: "OWN" }, "OWN/.cache/kvctl"],
  ["nowhere without HOME", {}, null],
  ["nowhere if HOME is not there", { HOME: "OWN/missing" }, null],
  ["nowhere if the directory is not there", { XDG_CACHE_HOME: "OWN/missing", HOME: "OWN" }, null],
])("code is kept %s", (_, environment, expected) => {
  const entries = Object.entries(environment).map(
    ([name, value]) => [name, value.replace("OWN", own)] as const,
  );

  const directory = codeCacheDirectory(Object.fromEntries(entries));

  expect(directory).toBe(expected?.replace("OWN", own) ?? null);
  if (directory !== null) expect(statSync(directory).mode & 0o777).toBe(0o700);
});

test("code is not kept in the HOME of another user", () => {
  vi.spyOn(process, "geteuid").mockReturnValue((process.geteuid?.() ?? 0) + 1);

  expect(codeCacheDirectory({ HOME: own })).toBeNull();
  expect(codeCacheDirectory({ XDG_CACHE_HOME: own, HOME: own })).toBeNull();
});

test.each(["", ".cache", ".cache/kvctl"])(
  "code is not kept where others can write to HOME/%s",
  (directory) => {
    const writable = join(own, directory);
    mkdirSync(writable, { recursive: true });
    chmodSync(writable, 0o1777);

    expect(codeCacheDirectory({ HOME: own })).toBeNull();
  },
);
