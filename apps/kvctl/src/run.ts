// Runs the command line on the standard streams, and ends the process with its exit status.

import { flushCompileCache } from "node:module";
import { Printer } from "./print.ts";
import { runProgram } from "./program.ts";
import { confirmOnTerminal } from "./standard-input.ts";
import { StandardStream } from "./standard-stream.ts";
import { isTerminal } from "./terminal.ts";

/** Never returns. */
export async function run(): Promise<never> {
  const stdout = new StandardStream({
    fd: 1,
    openStream: () => process.stdout,
    onReaderGone: () => process.exit(0), // `kvctl ls | head` has what it wants
  });
  const stderr = new StandardStream({
    fd: 2,
    openStream: () => process.stderr,
    onReaderGone: () => undefined, // and nobody is left who could be told
  });
  const printer = new Printer({
    stdout: {
      write: (text) => stdout.write(text),
      // hasColors() says no when NO_COLOR is set or TERM is dumb.
      hasColors: () => isTerminal(1) && process.stdout.hasColors(),
      isScreen: () => isTerminal(1) && process.env["TERM"] !== "dumb",
    },
    stderr: { write: (text) => stderr.write(text), isTerminal: () => isTerminal(2) },
  });
  const exitCode = await runProgram(process.argv.slice(2), {
    printer,
    confirm: () => (isTerminal(0) && isTerminal(1) ? confirmOnTerminal : null),
    environment: process.env,
  });
  await stdout.written();
  await stderr.written();
  // At once: taking everything apart that the start has put together would take some milliseconds.
  flushCompileCache();
  process.exit(exitCode);
}
