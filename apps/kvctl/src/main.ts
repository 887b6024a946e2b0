#!/usr/bin/env node
// The program's first file: lets Node keep the code that it compiles, before there is any, and goes on.

import { enableCompileCache } from "node:module";
import { codeCacheDirectory } from "./code-cache.ts";

const directory = codeCacheDirectory(process.env);
// Where it cannot be written to, the start takes some milliseconds longer, and that is all.
if (directory !== null) enableCompileCache(directory);
// A rejection is a defect, and Node ends the process with it. CommonJS has no await here.
void import("./run.ts").then(({ run }) => run());
