// Whether a person sits at the other end.

import { fstatSync } from "node:fs";

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
