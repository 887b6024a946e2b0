// The places of a command line where something can be completed, and what: the one table that all scripts are
// made from.

import type { Command, CommandGroup } from "../commands/command.ts";
import { HELP_FLAG } from "../flags.ts";
import type { Flag } from "../flags.ts";
import { VERSION_FLAG } from "../globals.ts";

/** What can be completed. */
export interface Completable {
  readonly globalFlags: readonly Flag[];
  readonly commands: readonly (Command | CommandGroup)[];
}

/** The shells for which there is a script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A place in the command line. */
export interface Place {
  /** The words that lead here, a blank behind each: `member list `. Empty in front of the command. */
  readonly path: string;
  /** Whether this is a command, whose arguments may stand before its flags. */
  readonly isCommand: boolean;
  readonly flags: readonly Flag[];
  readonly words: readonly Word[];
}

/** A command, or a word that stands for something. */
export interface Word {
  readonly name: string;
  readonly summary: string;
}

/** What a flag takes: nothing, the name of a file or directory, one of these words, or any other text. */
export type FlagValue = "none" | "file" | "any" | readonly string[];

const HELP: Word = { name: "help", summary: "show help, also of a command" };

const SHELL_WORDS: readonly Word[] = SHELLS.map((name) => ({ name, summary: `the script for ${name}` }));

const OUTPUT_FORMATS = ["simple", "extended", "json", "table"];

/** By name, because only completion tells files from other text. */
const FILE_FLAGS: ReadonlySet<string> = new Set([
  "cert-file",
  "key-file",
  "ca-file",
  "password-file",
  "snap",
  "file",
  "data-dir",
  "wal-dir",
  "backup-dir",
  "backup-wal-dir",
]);

/** What stands behind a flag. */
export function flagValue({ name, kind }: Flag): FlagValue {
  if (kind === "boolean") return "none";
  if (name === "output") return OUTPUT_FORMATS;
  return FILE_FLAGS.has(name) ? "file" : "any";
}

/** The long name and the one-letter one, without dashes. */
export function flagNames({ name, short }: Flag): readonly string[] {
  return short === undefined ? [name] : [name, short];
}

/** All places: in front of the command, behind each command and group, and behind `help`. */
export function placesOf({ globalFlags, commands }: Completable): readonly Place[] {
  const groups = commands.filter((command) => "commands" in command);
  return [
    place("", [...commands, HELP], [...globalFlags, VERSION_FLAG, HELP_FLAG]),
    ...commands.flatMap((command) => ("commands" in command ? placesOfGroup(command) : [placeOf(command)])),
    place("help ", commands),
    ...groups.map((group) => place(`help ${group.name} `, group.commands)),
  ];
}

function placesOfGroup({ name, commands }: CommandGroup): readonly Place[] {
  return [
    place(`${name} `, [...commands, HELP], [HELP_FLAG]),
    ...commands.map((command) => placeOf(command, `${name} `)),
    place(`${name} help `, commands),
  ];
}

function place(path: string, words: readonly Word[], flags: readonly Flag[] = []): Place {
  return { path, isCommand: false, flags, words: words.map(({ name, summary }) => ({ name, summary })) };
}

function placeOf({ name, flags }: Command, parent = ""): Place {
  const words = parent === "" && name === "completion" ? SHELL_WORDS : [];
  return { path: `${parent}${name} `, isCommand: true, flags: [...flags, HELP_FLAG], words };
}
