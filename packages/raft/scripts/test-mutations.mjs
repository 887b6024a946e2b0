// Puts each deliberate bug of the mutation table, and our own beyond it, into a copy of the sources and shows that the tests
// notice: one line per row, and "N passed, N failed" at the end. Arguments are rows to run alone.
//
//   table in docs/spec/raft-tests.md ─┐
//   mutations/*.mjs ──────────────────┴─► copy of src ─► vitest of a few files, up to the first failure

import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DURABILITY } from "../mutations/durability.mjs";
import { ELECTIONS_AND_LOG } from "../mutations/elections-and-log.mjs";
import { LEASES_AND_PROFILES } from "../mutations/leases-and-profiles.mjs";
import { MEMBERSHIP_AND_STORAGE } from "../mutations/membership-and-storage.mjs";

const PACKAGE = resolve(import.meta.dirname, "..");
const REPOSITORY = resolve(PACKAGE, "../..");
const MUTATIONS = [...ELECTIONS_AND_LOG, ...MEMBERSHIP_AND_STORAGE, ...DURABILITY, ...LEASES_AND_PROFILES];
const WORKER_COUNT = 2;
/** A mutation may make a test go round for ever. */
const RUN_TIMEOUT_MS = 60_000;

/** The rows of the table: number and name. */
function readTable() {
  const spec = readFileSync(join(REPOSITORY, "docs/spec/raft-tests.md"), "utf8");
  const [, table = ""] = spec.split("# Part IV");
  return [...table.matchAll(/^\| (\d+) \| (.+?) \| . \|$/gm)].map(([, row, name]) => ({
    row: Number(row),
    name,
  }));
}

/** A copy in which nothing that a mutation does can hurt: sources, what their tests read, and the libraries. */
function copySources(directory) {
  const copy = join(directory, "packages/raft");
  mkdirSync(copy, { recursive: true });
  cpSync(join(PACKAGE, "src"), join(copy, "src"), { recursive: true });
  for (const file of ["README.md", "package.json"]) cpSync(join(PACKAGE, file), join(copy, file));
  for (const folder of ["conformance", "docs", "node_modules"]) {
    symlinkSync(join(REPOSITORY, folder), join(directory, folder));
  }
  writeFileSync(
    join(copy, "vitest.config.mjs"),
    `export default { cacheDir: ${JSON.stringify(join(directory, "cache"))}, test: { include: ["src/**/*.test.ts"] } };\n`,
  );
  return copy;
}

/** The changed text of each file that the edits are about. */
function editedFiles(copy, edits) {
  const files = new Map();
  for (const [file, find, replace] of edits) {
    const path = join(copy, "src", file);
    const parts = (files.get(path) ?? readFileSync(path, "utf8")).split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
    files.set(path, parts.join(replace));
  }
  return files;
}

/** Runs files of tests in a copy, up to the first failure; the report of vitest, or null if it made none in time. */
function runTests(copy, tests) {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const files = tests.map((name) => `src/${name}.test.ts`);
  const vitest = join(REPOSITORY, "node_modules/vitest/vitest.mjs");
  const options = ["--bail=1", "--maxWorkers=1", "--reporter=json", `--outputFile=${report}`];
  const child = spawn(process.execPath, [vitest, "run", ...options, ...files], {
    cwd: copy,
    stdio: "ignore",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), RUN_TIMEOUT_MS);
  return new Promise((settle) => {
    child.on("close", () => {
      clearTimeout(timer);
      settle(readReport(report));
    });
  });
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null; // it was killed before it could report
  }
}

/** Whether a test noticed: a file that cannot be loaded, or a run without end, proves nothing. */
function judge(report) {
  if (report === null) return { isCaught: false, text: "no report" };
  const failed = report.testResults
    .flatMap((file) => file.assertionResults)
    .find((one) => one.status === "failed");
  if (failed !== undefined) return { isCaught: true, text: failed.fullName };
  return { isCaught: false, text: report.success ? "all tests pass" : "no test failed, but the run did" };
}

async function tryMutation(copy, { edits, tests }) {
  try {
    const files = editedFiles(copy, edits);
    const originals = new Map([...files.keys()].map((path) => [path, readFileSync(path, "utf8")]));
    for (const [path, text] of files) writeFileSync(path, text);
    const verdict = judge(await runTests(copy, tests));
    for (const [path, text] of originals) writeFileSync(path, text);
    return verdict;
  } catch (error) {
    return { isCaught: false, text: String(error) };
  }
}

const table = readTable();
const missing = table.filter(({ row }) => !MUTATIONS.some((mutation) => mutation.row === row));
const chosen = process.argv.slice(2).map(Number);
const rows = [...table, ...LEASES_AND_PROFILES.map(({ row, name }) => ({ row, name }))];
const queue = rows.flatMap(({ row, name }) => {
  if (chosen.length > 0 && !chosen.includes(row)) return [];
  return MUTATIONS.filter((mutation) => mutation.row === row).map((mutation) => ({ ...mutation, name }));
});

const directory = mkdtempSync(join(tmpdir(), "raft-mutations-"));
let passed = 0;
let failed = 0;
const print = (isGood, row, text) => {
  if (isGood) passed++;
  else failed++;
  process.stdout.write(`${isGood ? "ok    " : "FAILED"} ${row}: ${text}\n`);
};

async function work(copy) {
  for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
    const { isCaught, text } = await tryMutation(copy, mutation);
    print(isCaught, mutation.row, `${mutation.name} — ${text}`);
  }
}

try {
  for (const { row, name } of missing) print(false, row, `${name} — no mutation for this row`);
  const copies = Array.from({ length: WORKER_COUNT }, (_, i) => copySources(join(directory, `${i}`)));
  // Without a mutation all of the files pass: what fails below fails because of the mutation.
  const all = [...new Set(queue.flatMap(({ tests }) => tests))];
  const { success = false } = (await runTests(copies[0], all)) ?? {};
  print(success, 0, "the sources as they are");
  await Promise.all(copies.map(work));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0 || passed === 0) process.exitCode = 1;
