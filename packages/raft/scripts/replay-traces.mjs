// Replays recorded raft executions and prints one line for each; the last line is "N passed, N failed".
// KV_RAFT_TRACES names another directory of recordings.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { judge } from "../src/traces/replay.ts";
import { parseTrace } from "../src/traces/trace-format.ts";

const directory = process.env.KV_RAFT_TRACES ?? join(import.meta.dirname, "../../../conformance/raft-traces");
const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl.gz"));

/** A replay that throws has failed too: the others still get their turn. */
function judgeFile(file) {
  try {
    return judge(parseTrace(gunzipSync(readFileSync(join(directory, file))).toString()));
  } catch (error) {
    return { name: file, isPassed: false, text: String(error) };
  }
}

let passed = 0;
for (const file of files) {
  const { name, isPassed, text } = judgeFile(file);
  if (isPassed) passed++;
  process.stdout.write(`${isPassed ? "ok    " : "FAILED"} ${name}: ${text}\n`);
}
process.stdout.write(`${passed} passed, ${files.length - passed} failed\n`);
if (passed === 0 || passed < files.length) process.exitCode = 1;
