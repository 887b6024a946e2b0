// Starts the server the way the README says and looks whether it lives and dies properly:
//
//   node scripts/smoke.mjs
//
// `npm start -- flags`, one write and one read, then `kill` of npm: nothing may stay behind.
// Ends with `N passed, N failed`. Plain JavaScript for Node >= 18, as on a bare machine.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = join(fileURLToPath(import.meta.url), "..", "..");
const START_TIMEOUT_MS = 300_000; // the first start installs and builds
const ATTEMPT_TIMEOUT_MS = 1_000;
const STOP_TIMEOUT_MS = 10_000;

const clientUrl = `http://127.0.0.1:${await freePort()}`;
const peerUrl = `http://127.0.0.1:${await freePort()}`;
const dataDir = mkdtempSync(join(tmpdir(), "kv-smoke-"));
const npm = spawn("npm", ["start", "--", ...flags()], { cwd: ROOT, stdio: "inherit" });
const ended = new Promise((resolve) => npm.on("close", resolve));

const results = [];
await check("npm start serves a write", START_TIMEOUT_MS, async () => {
  const body = new URLSearchParams({ value: "1" });
  // A write that comes before the election is never answered well: it is given up and sent again.
  const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
  const response = await fetch(`${clientUrl}/v2/keys/smoke`, { method: "PUT", body, signal });
  return response.ok;
});
await check("the flags reach the server", STOP_TIMEOUT_MS, async () => {
  const { members } = await (await fetch(`${clientUrl}/v2/members`)).json();
  return members.length === 1 && members[0].name === "smoke";
});
npm.kill("SIGTERM");
await ended;
await check("no server is left behind when npm is killed", STOP_TIMEOUT_MS, async () => {
  const hasServed = results.every((passed) => passed);
  return hasServed && (await fetch(clientUrl).catch(() => null)) === null;
});
rmSync(dataDir, { recursive: true, force: true });

const failed = results.filter((passed) => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Tries until it holds; a refused connection means "not yet". */
async function check(claim, timeoutMs, holds) {
  const deadline = Date.now() + timeoutMs;
  let passed = false;
  while (!passed && Date.now() < deadline && (npm.exitCode === null || claim.startsWith("no server"))) {
    passed = await holds().catch(() => false);
    if (!passed) await delay(200);
  }
  console.log(`${passed ? "ok  " : "FAIL"} ${claim}`);
  results.push(passed);
}

function flags() {
  const client = ["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl];
  const peer = ["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl];
  return [
    "--name",
    "smoke",
    "--data-dir",
    dataDir,
    ...client,
    ...peer,
    "--initial-cluster",
    `smoke=${peerUrl}`,
  ];
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
