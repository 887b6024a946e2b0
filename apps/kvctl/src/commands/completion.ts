// `completion SHELL`: a script that teaches the shell kvctl's commands and flags.

import { COMPLETION_SCRIPTS } from "../completion-scripts.ts";
import type { Shell } from "../completion-scripts.ts";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { GLOBAL_FLAGS } from "../globals.ts";
import type { Command, CommandGroup } from "./command.ts";

/** The command that completes all `others`, and itself. */
export function completionOf(others: readonly (Command | CommandGroup)[]): Command {
  const completion: Command = {
    name: "completion",
    usage: Object.keys(COMPLETION_SCRIPTS).join("|"),
    summary: "print a completion script for a shell",
    flags: [],
    style: "keys",
    sync: false,
    run: ({ words, printer }) => {
      const [shell, ...more] = words;
      if (shell === undefined || !isShell(shell) || more.length > 0) {
        throw new KvctlError(
          "E_USAGE",
          `Error:  name one shell: ${Object.keys(COMPLETION_SCRIPTS).join(", ")}`,
        );
      }
      const commands = [...others, completion];
      printer.text(COMPLETION_SCRIPTS[shell]({ globalFlags: GLOBAL_FLAGS, commands }));
      return Promise.resolve(ExitCode.Success);
    },
  };
  return completion;
}

function isShell(text: string): text is Shell {
  return Object.hasOwn(COMPLETION_SCRIPTS, text);
}
