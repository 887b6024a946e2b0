// What a command is: its place in the command line, and what it does with one call.

import type { ExitCode } from "../exit-codes.ts";
import type { FailureStyle } from "../failure.ts";
import type { Flag, FlagValues } from "../flags.ts";
import type { GlobalOptions } from "../globals.ts";
import type { Printer } from "../print.ts";
import type { Session } from "../session.ts";

/** One command, or sub-command of a group. */
export interface Command {
  readonly name: string;
  /** The words behind the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  readonly style: FailureStyle;
  /** Whether `connect` synchronises the endpoints first. */
  readonly sync: boolean;
  /** Whether the command prints a table when asked to; default: no. */
  readonly hasTable?: true;
  /** Failures are thrown; see failure.ts. */
  readonly run: (call: Call) => Promise<ExitCode>;
}

/** Commands under one name: `member list`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** The program, or a group. */
export interface CommandTree {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

/** One call of a command. */
export interface Call {
  /** The arguments that are not flags. */
  readonly words: readonly string[];
  readonly flags: FlagValues;
  readonly globals: GlobalOptions;
  readonly printer: Printer;
  /** What asks the user; null when nobody is there to be asked. */
  readonly confirm: () => Confirm | null;
  /** Opens the connection; the command closes it. */
  readonly connect: () => Promise<Session>;
}

/** Puts a question on the terminal; true for yes. */
export type Confirm = (question: string) => Promise<boolean>;
