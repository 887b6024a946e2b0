// Other programs that tests drive kvd with. Where one is missing its tests are skipped, and say so;
// with KV_REQUIRE_PEERS=1 they fail instead, so that CI cannot lose them silently.

import { execFile, spawnSync } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The output of a program that ended with status 0. */
export async function outputOf(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await run(program, words, { env: { ...process.env, ...env } });
  return stdout;
}

/**
 * Whether a program can be run, tried with harmless `words`.
 *
 * @throws {Error} when it cannot and KV_REQUIRE_PEERS is 1.
 */
export function isInstalled(program: string, words: readonly string[]): boolean {
  const { status } = spawnSync(program, words, { stdio: "ignore" });
  if (status === 0) return true;
  const problem = `${[program, ...words].join(" ")} does not run on this machine`;
  if (process.env["KV_REQUIRE_PEERS"] === "1") throw new Error(problem);
  process.stderr.write(`SKIPPED: ${problem}\n`);
  return false;
}
