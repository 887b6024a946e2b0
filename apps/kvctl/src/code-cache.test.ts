import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { codeCacheDirectory } from "./code-cache.ts";

const own = mkdtempSync(join(tmpdir(), "kvctl-code-cache-"));

test.each([
  ["the user's directory for such things", { XDG_CACHE_HOME: own, HOME: "/nowhere" }, `${own}/kvctl`],
  ["below HOME", { HOME: own }, `${own}/.cache/kvctl`],
  ["below HOME where the other is no path", { XDG_CACHE_HOME: "cache", HOME: own }, `${own}/.cache/kvctl`],
  ["nowhere without HOME", {}, null],
  ["nowhere if HOME is not there", { HOME: join(own, "missing") }, null],
  ["nowhere if the directory is not there", { XDG_CACHE_HOME: join(own, "missing"), HOME: own }, null],
])("code is kept %s", (_, environment, directory) => {
  expect(codeCacheDirectory(environment)).toBe(directory);
});

test("code is not kept in the HOME of another user", () => {
  const userId = process.geteuid?.() ?? 0;
  const geteuid = vi.spyOn(process, "geteuid").mockReturnValue(userId + 1);

  expect(codeCacheDirectory({ HOME: own })).toBeNull();
  expect(codeCacheDirectory({ XDG_CACHE_HOME: own, HOME: own })).toBeNull();
  geteuid.mockRestore();
});
