// The command line as a whole: what is called with which flags, and how it ends. Spec: ctl.md §1.

import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands.ts";
import type { Command, CommandTree, Confirm } from "./commands/command.ts";
import { KvctlError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { describeFailure } from "./failure.ts";
import { HELP_FLAG, parseCommandFlags, parseFlags } from "./flags.ts";
import type { FlagValues, ParsedFlags } from "./flags.ts";
import { GLOBAL_FLAGS, VERSION_FLAG, parseGlobals } from "./globals.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Printer } from "./print.ts";

/** What a run depends on. */
export interface ProgramDeps {
  readonly printer: Printer;
  /** Null when standard input or output is no terminal. Asked only when it matters: looking takes time. */
  readonly confirm: () => Confirm | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const PROGRAM: CommandTree = {
  name: "kvctl",
  summary: "a command line for etcd's v2 API",
  commands: COMMANDS,
};
const PROGRAM_FLAGS = [...GLOBAL_FLAGS, VERSION_FLAG];

/**
 * Runs one command line, without the program's own name.
 *
 * @returns the exit status; failures have been printed
 */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<ExitCode> {
  try {
    const { flags, words } = flagsOf(PROGRAM.name, () => parseFlags(argv, [...PROGRAM_FLAGS, HELP_FLAG]));
    if (flags.has("help")) deps.printer.text(helpOf(PROGRAM.name, PROGRAM));
    else if (flags.has("version")) deps.printer.line(`kvctl version ${packageVersion()}`);
    else return await runIn(PROGRAM, { path: PROGRAM.name, words, globalFlags: flags, deps });
    return ExitCode.Success;
  } catch (error) {
    const failure = describeFailure(error, "keys");
    deps.printer.errorText(failure.text);
    return failure.exitCode;
  }
}

/** The rest of a command line behind what is read so far. */
interface Rest {
  /** What is read so far, without flags. */
  readonly path: string;
  readonly words: readonly string[];
  readonly globalFlags: FlagValues;
  readonly deps: ProgramDeps;
}

async function runIn(group: CommandTree, { path, words, globalFlags, deps }: Rest): Promise<ExitCode> {
  const [name, ...others] = words;
  if (name === undefined || name === "help" || name === "h") {
    deps.printer.text(helpFor(path, group, others));
    return ExitCode.Success;
  }
  const found = choose(path, group, name);
  const inner = `${path} ${name}`;
  if (!("commands" in found)) return runCommand(found, { path: inner, words: others, globalFlags, deps });

  const parsed = flagsOf(inner, () => parseFlags(others, [HELP_FLAG]));
  const rest = parsed.flags.has("help") ? [] : parsed.words;
  return runIn(found, { path: inner, words: rest, globalFlags, deps });
}

async function runCommand(command: Command, rest: Rest): Promise<ExitCode> {
  const { printer, confirm, environment } = rest.deps;
  const known = [...command.flags, HELP_FLAG];
  const { flags, words } = flagsOf(rest.path, () => parseCommandFlags(rest.words, known));
  if (flags.has("help")) {
    printer.text(commandHelp(rest.path, command));
    return ExitCode.Success;
  }
  const globals = parseGlobals(rest.globalFlags, environment);
  const { style, sync } = command;
  if (globals.table && command.hasTable !== true) {
    throw new KvctlError("E_USAGE", `Error:  there is no table of what ${command.name} prints`);
  }
  try {
    return await command.run({
      words,
      flags,
      globals,
      printer,
      confirm,
      connect: async () => {
        // Only here, because it loads everything that speaks to a server.
        const { openSession } = await import("./session.ts");
        return openSession({ globals, printer, style, sync });
      },
    });
  } catch (error) {
    const failure = describeFailure(error, style);
    printer.errorText(failure.text);
    return failure.exitCode;
  }
}

/** The help of what the names behind `help` lead to. */
function helpFor(path: string, group: CommandTree, names: readonly string[]): string {
  let target: Command | CommandTree = group;
  let reached = path;
  for (const name of names) {
    if (!("commands" in target)) break; // what follows a command is its arguments
    target = choose(reached, target, name);
    reached += ` ${name}`;
  }
  return helpOf(reached, target);
}

function helpOf(path: string, target: Command | CommandTree): string {
  if (!("commands" in target)) return commandHelp(path, target);
  return groupHelp(path, target, target === PROGRAM ? PROGRAM_FLAGS : []);
}

function choose(path: string, group: CommandTree, name: string): Command | CommandTree {
  const found = group.commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const guess = nearest(name, [...group.commands.map((command) => command.name), "help"]);
  const hint = guess === null ? "" : `\n(Did you mean ${guess}?)`;
  throw new KvctlError("E_USAGE", `Error:  unknown command '${name}'${hint}\nSee ${path} --help.`);
}

/** Reads flags; to what is wrong with them, says where the right ones are explained. */
function flagsOf(path: string, parse: () => ParsedFlags): ParsedFlags {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof KvctlError)) throw cause;
    throw new KvctlError(cause.code, `${cause.message}\nSee ${path} --help.`, { cause });
  }
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new KvctlError("E_FILE", "package.json has no version");
}
