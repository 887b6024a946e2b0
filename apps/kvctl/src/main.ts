#!/usr/bin/env node
// The program: runs the command line and leaves its exit status behind.

import { standardPrinter } from "./print.ts";
import { runProgram } from "./program.ts";

process.exitCode = await runProgram(process.argv.slice(2), {
  printer: standardPrinter(),
  environment: process.env,
});
