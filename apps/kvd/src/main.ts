#!/usr/bin/env node
// kvd: parse, decide, start, wait, exit. Everything else is in the files named below.
// Exit statuses: server-flags.md §2, §6.

import { availableParallelism } from "node:os";
import process from "node:process";
import { StartError } from "@kv/server";
import { configFrom } from "./config.ts";
import type { KvdConfig } from "./config.ts";
import { setFlagsFromEnvironment } from "./environment.ts";
import { KvdError } from "./errors.ts";
import { FlagSet, ignoredFlagText } from "./flag-set.ts";
import { flagList, USAGE, versionLines } from "./help.ts";
import { createLogger, parsePackageLevels } from "./logger.ts";
import type { Logger, RootLogger } from "./logger.ts";
import { ignoreUserSignals, showStateOnQuit, stopOnSignals } from "./signals.ts";
import { start } from "./start.ts";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<void> {
  const flags = new FlagSet();
  let logger = createLogger({ format: "etcd", level: "info", packageLevels: new Map() });
  try {
    const { isHelp, rest } = flags.parse(words);
    if (isHelp) return print(USAGE + flagList());
    for (const name of flags.ignored) {
      logger.child({ pkg: "flags" }).warn(ignoredFlagText(name));
    }
    const [stray] = rest;
    if (stray !== undefined) throw new KvdError("E_VERIFY", `'${stray}' is not a valid flag`);
    if (flags.get("version")) return print(`${versionLines().join("\n")}\n`);
    setFlagsFromEnvironment(flags, process.env, logger.child({ pkg: "flags" }));
    const config = configFrom(flags);
    logger = loggerFrom(flags);
    dieOnLooseErrors(logger);
    await run(config, logger);
  } catch (error) {
    fail(error, logger.child({ pkg: "etcdmain" }));
  }
}

/** Resolves when a member has stopped by itself; signals end the process from elsewhere. */
async function run(config: KvdConfig, logger: RootLogger): Promise<void> {
  const log = logger.child({ pkg: "etcdmain" });
  for (const line of versionLines()) log.info(line);
  const cpus = availableParallelism();
  log.info(`setting maximum number of CPUs to 1, total number of available CPUs is ${cpus}`);
  for (const warning of config.warnings) log.warn(warning);

  ignoreUserSignals();
  const running = await start(config, logger);
  showStateOnQuit(() => ({
    uptimeSeconds: process.uptime(),
    memory: process.memoryUsage(),
    active: process.getActiveResourcesInfo(),
    ...running.state(),
  }));
  stopOnSignals(() => running.close().catch((error: unknown) => fail(error, log)), logger);
  if ((await running.stopped) === "removed") {
    await running.close();
    process.exit(0);
  }
}

/** The log as the flags want it. A bad list of levels only warns. */
function loggerFrom(flags: FlagSet): RootLogger {
  const format = flags.get("log-format");
  const level = flags.get("debug") ? "debug" : "info";
  const packageLevels = parsePackageLevels(flags.get("log-package-levels"));
  if (typeof packageLevels !== "string") return createLogger({ format, level, packageLevels });
  const logger = createLogger({ format, level, packageLevels: new Map() });
  const text = `couldn't parse log level string: ${packageLevels}, continuing with default levels`;
  logger.child({ pkg: "etcdmain" }).warn(text);
  return logger;
}

/** An error that nobody expected leaves the state unknown: this process must not go on (architecture §8). */
function dieOnLooseErrors(logger: Logger): void {
  const log = logger.child({ pkg: "etcdmain" });
  process.on("uncaughtException", (error) => fail(error, log));
  process.on("unhandledRejection", (reason) => fail(reason, log));
}

/** Says why and ends the process. */
function fail(error: unknown, log: Logger): never {
  if (error instanceof KvdError && error.code === "E_USAGE") {
    process.stderr.write(`${error.message}\n`);
    print(USAGE);
    process.exit(EXIT_USAGE);
  }
  if (error instanceof KvdError && error.code === "E_VERIFY") {
    log.error(`error verifying flags, ${error.message}. See 'etcd --help'.`);
    if (error.hint !== null) log.error(error.hint);
    process.exit(EXIT_FAILURE);
  }
  if (error instanceof KvdError && error.code === "E_EXPLAINED") process.exit(EXIT_FAILURE);
  // What was foreseen speaks for itself; anything else is a bug or a broken machine and needs its stack.
  const isForeseen = error instanceof KvdError || error instanceof StartError;
  log.critical(isForeseen ? error.message : describe(error));
  process.exit(EXIT_FAILURE);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function print(text: string): void {
  process.stdout.write(text);
}
