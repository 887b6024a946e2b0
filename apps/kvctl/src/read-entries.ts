// What `export` has printed, read back for `import` and `diff`.

import { createReadStream } from "node:fs";
import { KvctlError } from "./errors.ts";
import type { Printer } from "./print.ts";
import { readLines } from "./standard-input.ts";
import { parseEntry } from "./subtree.ts";
import type { Entry } from "./subtree.ts";
import { isTerminal } from "./terminal.ts";

const STDIN = 0;

/**
 * All entries of a file, or of standard input for `-`. Blank lines are none.
 *
 * @throws {KvctlError} E_FILE if it cannot be read, E_ARGUMENT for the first line that is no entry
 */
export async function readEntries(file: string, printer: Printer): Promise<readonly Entry[]> {
  if (file === "-" && isTerminal(STDIN)) {
    printer.error("reading the lines of an export from the terminal; Ctrl-D ends them");
  }
  const entries: Entry[] = [];
  let lineNumber = 0;
  try {
    for await (const line of readLines(file === "-" ? process.stdin : createReadStream(file))) {
      lineNumber++;
      if (line.trim() !== "") entries.push(parseEntry(line, lineNumber));
    }
  } catch (cause) {
    if (cause instanceof KvctlError || !(cause instanceof Error)) throw cause;
    throw new KvctlError("E_FILE", `Error:  ${cause.message}`, { cause });
  }
  return entries;
}
