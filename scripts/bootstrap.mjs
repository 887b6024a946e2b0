#!/usr/bin/env node
// Lets `npm start` and `npm test` work in a fresh clone that has only some Node >= 18 and npm.
// Plain JavaScript, no dependency: it runs before anything is installed.
//
//   node scripts/bootstrap.mjs serve [kvd flags]   install, build, run the server
//   node scripts/bootstrap.mjs test  [turbo flags] install, build, run every test
//
// The Node and pnpm already on PATH are used when they are new enough. Otherwise the pinned ones
// are put in .toolchain/ (from the npm registry, nothing global is touched).

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { readReports, removeReports, summaryLine } from "./test-summary.mjs";

const ROOT = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const TOOLCHAIN = join(ROOT, ".toolchain");
const NODE_MAJOR_MIN = 24;
const NODE_VERSION = "26.10.0";
const PNPM_MAJOR_MIN = 12;
const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const PNPM_VERSION = packageManager.split("@")[1];

const WINDOWS = process.platform === "win32";
const [command, ...args] = process.argv.slice(2);

process.env.TURBO_TELEMETRY_DISABLED ??= "1";
process.env.TURBO_NO_UPDATE_NOTIFIER ??= "1";

ensureToolchain();
process.env.KV_NODE = versionOf("node"); // part of turbo's cache key: results of one Node are not another's
run("pnpm", ["install", "--frozen-lockfile", "--prefer-offline"]);
if (command === "serve") {
  run("pnpm", ["exec", "turbo", "run", "build", "--output-logs=errors-only"]);
  supervise("node", [join(ROOT, "apps", "kvd", "dist", "main.js"), ...args]);
} else if (command === "test") {
  test();
} else {
  fail(`unknown command ${JSON.stringify(command)}; expected "serve" or "test"`);
}

/** Runs every test, goes on after failures, and ends with one line that sums up all reports. */
function test() {
  removeReports(ROOT); // turbo brings back those of results it has cached
  const tasks = ["test", "//#test:repo", "--continue=always"];
  const { status } = spawnSync("pnpm", ["exec", "turbo", "run", ...tasks, ...args], {
    cwd: ROOT,
    stdio: "inherit",
    shell: WINDOWS,
  });
  const total = readReports(ROOT);
  // A package that did not get as far as a report has failed, too.
  if (status !== 0 && total.failed === 0) total.failed = 1;
  process.stdout.write(`\n${summaryLine(total)}\n`);
  process.exit(total.failed === 0 ? 0 : 1);
}

function ensureToolchain() {
  const missing = [];
  if (major(process.versions.node) < NODE_MAJOR_MIN) missing.push(`${nodePackage()}@${NODE_VERSION}`);
  if (major(versionOf("pnpm")) < PNPM_MAJOR_MIN) missing.push(`pnpm@${PNPM_VERSION}`);
  if (missing.length === 0) return;

  const installed = missing.every((spec) => {
    const at = spec.lastIndexOf("@");
    const manifest = join(TOOLCHAIN, "node_modules", spec.slice(0, at), "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === spec.slice(at + 1);
  });
  if (!installed) {
    process.stderr.write(`bootstrap: fetching ${missing.join(" and ")} into .toolchain/\n`);
    run("npm", [
      "install",
      "--prefix",
      TOOLCHAIN,
      "--no-save",
      "--no-package-lock",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      ...missing,
    ]);
  }
  process.env.PATH = join(TOOLCHAIN, "node_modules", ".bin") + delimiter + process.env.PATH;
}

/** The npm package that carries a Node binary for this machine. */
function nodePackage() {
  const platform = WINDOWS ? "win" : process.platform;
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${prefix}-${platform}-${process.arch}`;
}

function versionOf(program) {
  const probe = spawnSync(program, ["--version"], {
    cwd: ROOT,
    shell: WINDOWS,
    encoding: "utf8",
    timeout: 20_000,
  });
  return probe.status === 0 ? probe.stdout.trim() : "0";
}

function major(version) {
  return Number.parseInt(version, 10) || 0;
}

function run(program, argv) {
  const result = spawnSync(program, argv, { cwd: ROOT, stdio: "inherit", shell: WINDOWS });
  if (result.error) fail(`cannot run ${program}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/**
 * Runs a long-lived child, passing signals to it and its exit status back.
 *
 * `kill <pid of npm>` ends npm and the shell between npm and us, but that shell does not pass the
 * signal on. So the death of our parent counts as SIGTERM too, or the server would be orphaned.
 */
function supervise(program, argv) {
  const child = spawn(program, argv, { stdio: "inherit", shell: WINDOWS });
  const parent = process.ppid;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 250).unref();
  child.on("error", (error) => fail(`cannot run ${program}: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
}

function fail(message) {
  process.stderr.write(`bootstrap: ${message}\n`);
  process.exit(1);
}
