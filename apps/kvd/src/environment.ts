// ETCD_ variables: every flag has one, the command line beats it, an empty one counts as not set.
// Spec: server-flags.md §1 "Environment".

import { KvdError } from "./errors.ts";
import { ignoredFlagText, quote } from "./flag-set.ts";
import type { FlagSet } from "./flag-set.ts";
import { FLAGS, IGNORED_FLAGS, isFlag, REMOVED_FLAGS } from "./flags.ts";
import type { Logger } from "./logger.ts";

const PREFIX = "ETCD_";

/**
 * Sets the flags that were not given on the command line from their variables, and logs what it used.
 *
 * @throws {KvdError} `E_ENVIRONMENT` for a bad value; of several, the last in the order of the flags' names.
 */
export function setFlagsFromEnvironment(
  flags: FlagSet,
  environment: NodeJS.ProcessEnv,
  logger: Logger,
): void {
  const names = [...Object.keys(FLAGS), ...IGNORED_FLAGS, ...REMOVED_FLAGS].toSorted();
  const shadowed = new Set(names.filter((name) => isGiven(flags, name)).map(variableOf));
  const known = new Set(names.map(variableOf));
  let problem: KvdError | null = null;

  for (const name of names) {
    const variable = variableOf(name);
    const value = environment[variable] ?? "";
    if (value === "" || shadowed.has(variable)) continue;
    const reason = flags.set(name, value);
    if (reason !== null) {
      problem = new KvdError("E_ENVIRONMENT", `invalid value ${quote(value)} for ${variable}: ${reason}`);
    }
    if (IGNORED_FLAGS.has(name)) logger.warn(ignoredFlagText(name));
    logger.info(`recognized and used environment variable ${variable}=${value}`);
  }
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || value === "") continue;
    if (shadowed.has(variable)) {
      logger.info(`recognized environment variable ${variable}, but unused: shadowed by corresponding flag `);
    } else if (!known.has(variable)) {
      logger.warn(`unrecognized environment variable ${variable}=${value}`);
    }
  }
  if (problem !== null) throw problem;
}

/** `data-dir` → `ETCD_DATA_DIR`. */
function variableOf(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

function isGiven(flags: FlagSet, name: string): boolean {
  return isFlag(name) ? flags.isSet(name) : flags.ignored.includes(name);
}
