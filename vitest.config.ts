// The only test configuration: one project per package and app, one for the repository itself.
import { globSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Packages resolve each other's src/ through this condition, so unit tests need no build.
const conditions = ["@kv/source"];

// A unit test takes milliseconds; this is for machines that do much else at the same time.
const UNIT_TEST_TIMEOUT_MS = 30_000;

// Whole-process tests own their machine: one file at a time, with room for slow disks.
const PROCESS_TEST_TIMEOUT_MS = 60_000;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: [
      ...globSync(["packages/*", "apps/*"], { cwd: import.meta.dirname }).map((root) => ({
        extends: true as const,
        test: { name: root, root, include: ["src/**/*.test.ts"], testTimeout: UNIT_TEST_TIMEOUT_MS },
      })),
      ...globSync("apps/*/test", { cwd: import.meta.dirname }).map((root) => ({
        extends: true as const,
        test: {
          name: root,
          root,
          include: ["**/*.test.ts"],
          fileParallelism: false,
          testTimeout: PROCESS_TEST_TIMEOUT_MS,
          hookTimeout: PROCESS_TEST_TIMEOUT_MS,
        },
      })),
      { extends: true as const, test: { name: "scripts", root: "scripts", include: ["*.test.mjs"] } },
      { extends: true as const, test: { name: "bench", root: "bench", include: ["*.test.ts"] } },
    ],
  },
});
