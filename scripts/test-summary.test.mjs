import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readReports, removeReports, summaryLine } from "./test-summary.mjs";

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "summary-"));
  for (const folder of ["packages/a", "packages/b", "apps/c"])
    mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

test("reports of all packages, the apps and the repository itself are added up", () => {
  report("packages/a", { numPassedTests: 3 });
  report("apps/c", { numPassedTests: 4, numPendingTests: 1 });
  report(".", { numPassedTests: 5, numFailedTests: 1, success: false });

  expect(readReports(root)).toStrictEqual({ passed: 12, failed: 1, skipped: 1 });
});

test("a file that broke before its first test counts as a failure", () => {
  report("packages/a", { success: false, testResults: [{ status: "failed", assertionResults: [] }] });

  expect(readReports(root)).toStrictEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("a file with failed tests is not counted once more", () => {
  const testResults = [{ status: "failed", assertionResults: [{ status: "failed" }] }];
  report("packages/a", { numFailedTests: 1, success: false, testResults });

  expect(readReports(root).failed).toBe(1);
});

test("an error outside of every test counts as a failure", () => {
  report("packages/b", { numPassedTests: 2, success: false });

  expect(readReports(root)).toStrictEqual({ passed: 2, failed: 1, skipped: 0 });
});

test("reports of an earlier run can be removed", () => {
  report("packages/a", { numPassedTests: 3 });

  removeReports(root);

  expect(readReports(root)).toStrictEqual({ passed: 0, failed: 0, skipped: 0 });
});

test("skipped tests are named only when there are any", () => {
  expect(summaryLine({ passed: 2, failed: 0, skipped: 0 })).toBe("2 passed, 0 failed");
  expect(summaryLine({ passed: 2, failed: 1, skipped: 3 })).toBe("2 passed, 1 failed, 3 skipped");
});

function report(folder, fields) {
  mkdirSync(join(root, folder, "test-results"), { recursive: true });
  const whole = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    success: true,
    testResults: [],
  };
  writeFileSync(join(root, folder, "test-results", "vitest.json"), JSON.stringify({ ...whole, ...fields }));
}
