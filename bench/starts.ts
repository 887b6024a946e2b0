// How long kvctl takes, from its start to its end, beside a Node that does nothing:
//
//   pnpm bench:starts [--rounds 50]
//
// By turns, so that a drift of the machine hits all alike. The server answers a constant, so that it adds little.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { median } from "./median.ts";

const KVCTL = join(import.meta.dirname, "../apps/kvctl/dist/main.js");
const ANSWER = '{"action":"get","node":{"key":"/a","value":"v","modifiedIndex":4,"createdIndex":4}}\n';

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "50" } } });
const rounds = Number(options.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${options.rounds} is no number above 0`);

const server = createServer((_request, response) => response.end(ANSWER)).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");

const commands: Readonly<Record<string, readonly string[]>> = {
  "node -e 0": ["-e", "0"],
  "kvctl help": [KVCTL, "help"],
  "kvctl --version": [KVCTL, "--version"],
  "kvctl --no-sync get /a": [
    KVCTL,
    "--no-sync",
    "--endpoints",
    `http://127.0.0.1:${address.port}`,
    "get",
    "/a",
  ],
};
// Compiled code is kept there, as in the user's own.
const home = mkdtempSync(join(tmpdir(), "kvctl-starts-"));
try {
  const samples = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (const argv of Object.values(commands)) await runMs(argv);
  for (let round = 0; round < rounds; round++) {
    for (const [name, argv] of Object.entries(commands)) samples.get(name)?.push(await runMs(argv));
  }
  console.log(`| command | median ms | fastest ms |\n| --- | ---: | ---: |`);
  for (const [name, times] of samples)
    console.log(`| ${name} | ${median(times).toFixed(1)} | ${Math.min(...times).toFixed(1)} |`);
} finally {
  rmSync(home, { recursive: true });
  server.close();
  server.closeAllConnections();
}

/** Milliseconds from the start of the process to the end of its output. */
async function runMs(argv: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, argv, { env: { HOME: home }, stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.resume();
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${argv.join(" ")} exited with ${status}; is kvctl built?`);
  return performance.now() - startedAtMs;
}
