// `completion SHELL`: a script that teaches the shell kvctl's commands and flags.

import { SHELLS } from "../completion/places.ts";
import { KvctlError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { GLOBAL_FLAGS } from "../globals.ts";
import type { Command, CommandGroup } from "./command.ts";

/** The command that completes all `others`, and itself. */
export function completionOf(others: readonly (Command | CommandGroup)[]): Command {
  const completion: Command = {
    name: "completion",
    usage: SHELLS.join("|"),
    summary: "print a completion script for a shell",
    flags: [],
    style: "keys",
    sync: false,
    run: async ({ words, printer }) => {
      const [name, ...more] = words;
      const shell = SHELLS.find((known) => known === name);
      if (shell === undefined || more.length > 0) {
        throw new KvctlError("E_USAGE", `Error:  name one shell: ${SHELLS.join(", ")}`);
      }
      // Only here, because no other command needs it.
      const { COMPLETION_SCRIPTS } = await import("../completion-scripts.ts");
      printer.text(
        COMPLETION_SCRIPTS[shell]({ globalFlags: GLOBAL_FLAGS, commands: [...others, completion] }),
      );
      return ExitCode.Success;
    },
  };
  return completion;
}
