// Adds up the JSON reports that vitest leaves in each package's test-results/. Plain JavaScript for
// Node >= 18, no dependency: the bootstrap runs it. Alone it prints the sum of the reports named:
//
//   node scripts/test-summary.mjs REPORT.json...

import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const FOLDERS_OF_PACKAGES = ["packages", "apps"];
const RESULTS = "test-results";

/** Removes all reports, so that none of an earlier run is counted. */
export function removeReports(root) {
  for (const folder of resultFolders(root)) rmSync(folder, { recursive: true, force: true });
}

/** The sum of all reports below `root`. */
export function readReports(root) {
  const files = resultFolders(root)
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((file) => file.endsWith(".json"));
  return sumOf(files);
}

/** How many tests passed, failed and were skipped. A file that broke before its tests counts as one failure. */
function sumOf(files) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files) {
    const report = JSON.parse(readFileSync(file, "utf8"));
    const broken = report.testResults.filter(
      (suite) =>
        suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed"),
    );
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests + broken.length;
    total.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
    // An error outside of every test (an unhandled rejection) fails the run, not a test.
    if (!report.success && report.numFailedTests + broken.length === 0) total.failed++;
  }
  return total;
}

/** `12 passed, 0 failed`, and the skipped ones when there are any. */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

function resultFolders(root) {
  const packages = FOLDERS_OF_PACKAGES.flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
  return [root, ...packages].map((folder) => join(folder, RESULTS));
}

function isMain() {
  const [, script] = process.argv;
  return script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href;
}

if (isMain()) {
  const total = sumOf(process.argv.slice(2));
  process.stdout.write(`${summaryLine(total)}\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
