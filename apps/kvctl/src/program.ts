// The command line as a whole: what is called with which flags, and how it ends. Spec: ctl.md §1.

import { readFileSync } from "node:fs";
import { COMMANDS } from "./commands.ts";
import type { Command, CommandTree, Confirm } from "./commands/command.ts";
import { KvctlError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { describeFailure, isConnectionFailure } from "./failure.ts";
import { HELP_FLAG, parseCommandFlags, parseFlags, wrongUsage } from "./flags.ts";
import type { Flag, FlagValues, Level } from "./flags.ts";
import { GLOBAL_FLAGS, VERSION_FLAG, parseGlobals } from "./globals.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Printer } from "./print.ts";

/** What a run depends on. */
export interface ProgramDeps {
  readonly printer: Printer;
  /** Null when standard input or standard error is no terminal. Asked only when it matters: looking takes time. */
  readonly confirm: () => Confirm | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const PROGRAM: CommandTree = {
  name: "kvctl",
  summary: "a command line for etcd's v2 API",
  commands: COMMANDS,
};
const PROGRAM_FLAGS = [...GLOBAL_FLAGS, VERSION_FLAG];
const PROGRAM_LEVEL: Level = { path: PROGRAM.name, flags: [...PROGRAM_FLAGS, HELP_FLAG] };

/**
 * Runs one command line, without the program's own name.
 *
 * @returns the exit status; failures have been printed
 */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<ExitCode> {
  try {
    const { flags, words } = parseFlags(argv, PROGRAM_LEVEL);
    if (flags.has("help")) deps.printer.text(formatHelp(PROGRAM.name, PROGRAM));
    else if (flags.has("version") || words[0] === "version")
      deps.printer.line(`kvctl version ${packageVersion()}`);
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
  if (name === undefined || isHelp(name)) {
    deps.printer.text(explain(group, path, others));
    return ExitCode.Success;
  }
  const found = choose(group, name, path);
  const inner = `${path} ${name}`;
  if (!("commands" in found)) return runCommand(found, { path: inner, words: others, globalFlags, deps });

  const { flags, words: rest } = parseFlags(others, levelOf(inner, []));
  return runIn(found, { path: inner, words: flags.has("help") ? [] : rest, globalFlags, deps });
}

async function runCommand(
  command: Command,
  { path, words: argv, globalFlags, deps }: Rest,
): Promise<ExitCode> {
  const { printer, confirm, environment } = deps;
  const { flags, words } = parseCommandFlags(argv, levelOf(path, command.flags));
  if (flags.has("help")) {
    printer.text(commandHelp(path, command));
    return ExitCode.Success;
  }
  const globals = parseGlobals(globalFlags, environment);
  const { style, sync } = command;
  if (globals.table && command.hasTable !== true) {
    throw wrongUsage(`there is no table of what ${path} prints`, path);
  }
  let hasSynced = false;
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
        const session = await openSession({ globals, printer, style, sync });
        hasSynced = sync && globals.sync;
        return session;
      },
    });
  } catch (error) {
    const failure = describeFailure(error, style);
    printer.errorText(failure.text);
    // What puzzles people most; scripts know the rest by heart.
    if (hasSynced && isConnectionFailure(error) && printer.isErrorWatched) printer.error(SYNC_HINT);
    return failure.exitCode;
  }
}

const SYNC_HINT =
  "These are the URLs that the members advertise. With --no-sync the endpoints are used as they are given.";

function levelOf(path: string, flags: readonly Flag[]): Level {
  return { path, flags: [...flags, HELP_FLAG], above: PROGRAM_LEVEL };
}

function isHelp(word: string): boolean {
  return word === "help" || word === "h";
}

/** The help for what the arguments of `help` lead to. */
function explain(group: CommandTree, path: string, argv: readonly string[]): string {
  const { words } = parseFlags(argv, levelOf(`${path} help`, []));
  let target: Command | CommandTree = group;
  let reached = path;
  for (const name of words) {
    // What follows a command is its arguments; help explains itself where it stands.
    if (!("commands" in target) || isHelp(name)) break;
    target = choose(target, name, reached);
    reached += ` ${name}`;
  }
  return formatHelp(reached, target);
}

function formatHelp(path: string, target: Command | CommandTree): string {
  if (!("commands" in target)) return commandHelp(path, target);
  return groupHelp(path, target, target === PROGRAM ? PROGRAM_FLAGS : []);
}

function choose(group: CommandTree, name: string, path: string): Command | CommandTree {
  const found = group.commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const guess = nearest(name, [...group.commands.map((command) => command.name), "help"]);
  const hint = guess === null ? "" : `\n(Did you mean ${guess}?)`;
  throw wrongUsage(`unknown ${name.startsWith("-") ? "flag" : "command"} '${name}'${hint}`, path);
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new KvctlError("E_FILE", "package.json has no version");
}
