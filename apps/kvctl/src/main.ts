#!/usr/bin/env node
// The program's first file: lets Node keep the code that it compiles, before there is any, and goes on.

import { enableCompileCache } from "node:module";
import { codeCacheDirectory } from "./code-cache.ts";

const directory = codeCacheDirectory(process.env);
// Where it cannot be written to, the start takes some milliseconds longer, and that is all.
if (directory !== null) enableCompileCache(directory);
await import("./run.ts");
