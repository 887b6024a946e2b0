// Runs the command line and leaves its exit status behind.

import { standardPrinter } from "./print.ts";
import { runProgram } from "./program.ts";
import { confirmOnTerminal } from "./standard-input.ts";

process.exitCode = await runProgram(process.argv.slice(2), {
  printer: standardPrinter(process.env),
  // Output first: looking at process.stdin opens it, and takes time.
  confirm: process.stdout.isTTY && process.stdin.isTTY ? confirmOnTerminal : null,
  environment: process.env,
});
