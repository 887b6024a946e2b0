// The command line as a whole: what is called with which flags, and how it ends. commander parses, writes
// help and suggests; flags.ts has put the arguments in a form that it cannot misread. Spec: ctl.md §1.

import { readFileSync } from "node:fs";
import { Command as Parser, CommanderError } from "commander";
import { COMMANDS } from "./commands.ts";
import type { Command, CommandGroup, Confirm } from "./commands/command.ts";
import { KvctlError } from "./errors.ts";
import { ExitCode } from "./exit-codes.ts";
import { describeFailure } from "./failure.ts";
import { FlagValues, flagSyntax, fromGoCommandFlags, fromGoFlags } from "./flags.ts";
import type { Flag } from "./flags.ts";
import { GLOBAL_FLAGS, parseGlobals } from "./globals.ts";
import type { Printer } from "./print.ts";

/** What a run depends on. */
export interface ProgramDeps {
  readonly printer: Printer;
  /** Null when standard input or output is no terminal. */
  readonly confirm: Confirm | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs one command line, without the program's own name.
 *
 * @returns the exit status; failures have been printed
 */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.Success;
  try {
    const { words, commands } = translate(argv);
    const program = createParser(commands, deps, (code) => {
      exitCode = code;
    });
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    // commander has printed what it has to say: help, the version, or what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Success : ExitCode.Failed;
    const failure = describeFailure(error, "keys");
    deps.printer.errorText(failure.text);
    return failure.exitCode;
  }
}

/** A command line in commander's syntax, and which commands it has to know for it. */
interface Translated {
  readonly words: readonly string[];
  readonly commands: readonly (Command | CommandGroup)[];
}

/** The arguments in commander's syntax: global flags, command, its flags, `--`, words. */
function translate(argv: readonly string[]): Translated {
  const globals = fromGoFlags(argv, GLOBAL_FLAGS);
  const [name, ...rest] = globals.words;
  const found = COMMANDS.find((command) => command.name === name);
  const words = [...globals.flags, ...commandWords(name, rest, found)];
  // To describe all commands takes commander some milliseconds. Help and suggestions need them.
  if (globals.flags.includes("--help")) return { words, commands: COMMANDS };
  if (globals.flags.includes("--version")) return { words, commands: [] };
  return { words, commands: found === undefined ? COMMANDS : [found] };
}

function commandWords(
  name: string | undefined,
  rest: readonly string[],
  found: Command | CommandGroup | undefined,
): readonly string[] {
  if (name === undefined) return ["help"];
  if (found === undefined) return [name === "h" ? "help" : name, ...rest];
  if (!("commands" in found)) return [name, ...commandArguments(found, rest)];

  if (rest.length === 0) return ["help", name];
  const [subName, ...subRest] = rest;
  const sub = found.commands.find((command) => command.name === subName);
  if (sub === undefined) return [name, ...rest];
  return [name, sub.name, ...commandArguments(sub, subRest)];
}

function commandArguments(command: Command, argv: readonly string[]): string[] {
  const { flags, words } = fromGoCommandFlags(argv, command.flags);
  return [...flags, "--", ...words];
}

function createParser(
  commands: readonly (Command | CommandGroup)[],
  deps: ProgramDeps,
  onExit: (code: ExitCode) => void,
): Parser {
  const { printer } = deps;
  const program = new Parser("kvctl")
    .usage("[global flags] COMMAND [flags] [arguments]")
    .description("A command line for etcd's v2 API.")
    .version(`kvctl version ${packageVersion()}`, "-v, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help")
    .enablePositionalOptions()
    .configureHelp({
      subcommandTerm: (command) => `${command.name()} ${command.usage()}`,
      visibleArguments: () => [],
    })
    .exitOverride()
    .configureOutput({ writeOut: (text) => printer.text(text), writeErr: (text) => printer.errorText(text) })
    .showHelpAfterError("See kvctl --help.");
  addFlags(program, GLOBAL_FLAGS);
  for (const command of commands) {
    if ("commands" in command) program.addCommand(createGroup(command, program, deps, onExit));
    else program.addCommand(createCommand(command, program, deps, onExit));
  }
  return program;
}

function createGroup(
  group: CommandGroup,
  program: Parser,
  deps: ProgramDeps,
  onExit: (code: ExitCode) => void,
): Parser {
  const parser = new Parser(group.name)
    .copyInheritedSettings(program)
    .usage("COMMAND")
    .description(group.summary);
  for (const command of group.commands) parser.addCommand(createCommand(command, program, deps, onExit));
  return parser;
}

function createCommand(
  command: Command,
  program: Parser,
  deps: ProgramDeps,
  onExit: (code: ExitCode) => void,
): Parser {
  const parser = new Parser(command.name)
    .copyInheritedSettings(program)
    .usage(`[flags] ${command.usage}`.trimEnd())
    .summary(command.summary)
    .description(command.summary)
    .argument("[words...]");
  addFlags(parser, command.flags);
  return parser.action(async (words: string[]) => {
    onExit(await runCommand(command, { words, parser, program, deps }));
  });
}

async function runCommand(
  command: Command,
  context: {
    readonly words: readonly string[];
    readonly parser: Parser;
    readonly program: Parser;
    readonly deps: ProgramDeps;
  },
): Promise<ExitCode> {
  const { printer, confirm, environment } = context.deps;
  const globals = parseGlobals(flagValues(context.program, GLOBAL_FLAGS), environment);
  const { style, sync } = command;
  if (globals.table && command.hasTable !== true) {
    throw new KvctlError("E_USAGE", `Error:  there is no table of what ${command.name} prints`);
  }
  try {
    return await command.run({
      words: context.words,
      flags: flagValues(context.parser, command.flags),
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

function addFlags(parser: Parser, flags: readonly Flag[]): void {
  for (const flag of flags) {
    if (flag.kind === "texts") parser.option(flagSyntax(flag), flag.help, append, []);
    else parser.option(flagSyntax(flag), flag.help);
  }
}

/** What commander does with each value of a flag that may be repeated. */
function append(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** The values that commander found, by the names that the table of flags uses. */
function flagValues(parser: Parser, flags: readonly Flag[]): FlagValues {
  const values = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  for (const { name } of flags) {
    const option = parser.options.find(({ long, short }) => long === `--${name}` || short === `-${name}`);
    if (option === undefined || parser.getOptionValueSource(option.attributeName()) !== "cli") continue;
    const value: unknown = parser.getOptionValue(option.attributeName());
    if (Array.isArray(value)) lists.set(name, value.map(String));
    else values.set(name, typeof value === "string" ? value : "true");
  }
  return new FlagValues(values, lists);
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new KvctlError("E_FILE", "package.json has no version");
}
