// Whether a person sits at the other end, and what they see there.

import { fstatSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the file descriptor is a terminal. */
export function isTerminal(fd: number): boolean {
  try {
    // Asked first, because loading node:tty takes as long as all of kvctl's start.
    if (!fstatSync(fd).isCharacterDevice()) return false;
  } catch {
    return false; // closed
  }
  return process.getBuiltinModule("node:tty").isatty(fd);
}

/** Whether a terminal is to have colours (no-color.org). Node's own answer gives FORCE_COLOR the last word. */
export function hasColors({ NO_COLOR: noColor = "", TERM: term = "" }: Environment): boolean {
  return noColor === "" && term !== "" && term !== "dumb";
}

/** Whether the cursor of a terminal can be moved. */
export function isScreen({ TERM: term = "" }: Environment): boolean {
  return term !== "" && term !== "dumb";
}
