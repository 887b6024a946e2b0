// Runs the command line on the standard streams, and ends the process with its exit status.

import { ExitCode } from "./exit-codes.ts";
import { Printer } from "./print.ts";
import { runProgram } from "./program.ts";
import { confirmOnTerminal } from "./standard-input.ts";
import { StandardStream } from "./standard-stream.ts";
import { hasColors, isScreen, isTerminal } from "./terminal.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** Never returns. */
export async function run(): Promise<never> {
  const { env: environment } = process;
  const stderr = new StandardStream({
    fd: STDERR,
    openStream: () => process.stderr,
    // Nobody is left who could be told; the exit status tells how it ends.
    onReaderGone: () => undefined,
    onFailure: () => undefined,
  });
  const stdout = new StandardStream({
    fd: STDOUT,
    openStream: () => process.stdout,
    onReaderGone: () => process.exit(ExitCode.Success), // `kvctl ls | head` has what it wants
    onFailure: ({ message }) => {
      stderr.write(`${message}\n`);
      process.exit(ExitCode.Failed);
    },
  });
  const printer = new Printer({
    stdout: {
      write: (text) => stdout.write(text),
      neverBlock: () => stdout.neverBlock(),
      hasColors: () => isTerminal(STDOUT) && hasColors(environment),
      isScreen: () => isTerminal(STDOUT) && isScreen(environment),
    },
    stderr: {
      write: (text) => stderr.write(text),
      neverBlock: () => stderr.neverBlock(),
      isTerminal: () => isTerminal(STDERR),
    },
  });
  const exitCode = await runProgram(process.argv.slice(2), {
    printer,
    confirm: () => (isTerminal(STDIN) && isTerminal(STDERR) ? confirmOnTerminal : null),
    environment,
  });
  await stdout.written();
  await stderr.written();
  // Not left to the end of all work: to take apart what the start has put together takes some milliseconds.
  process.exit(exitCode);
}
