// A million hostile messages through `step`, and a million strings of random bytes through the codec:
// nothing may come of them but documented errors. One line per seed; the last line is
// "N passed, N failed". The argument is the first seed, to repeat one that has failed.

import { decodeMessage } from "../src/codec/index.ts";
import { fuzz } from "../src/fuzz.test.support.ts";
import { pseudoRandom } from "../src/cluster.test.support.ts";
import { RaftError } from "../src/errors.ts";

const SEED_COUNT = 10;
const COUNT_PER_SEED = 100_000;
const MAX_BYTES = 200;
/** The other bytes are of earlier strings: nobody reads far into random bytes. */
const NEW_BYTES = 12;

/** What came of random bytes, by error code. Any other error goes up. */
function fuzzCodec(seed, count) {
  const random = pseudoRandom(seed);
  const buffer = new Uint8Array(MAX_BYTES);
  const outcomes = new Map();
  for (let i = 0; i < count; i++) {
    const length = random(MAX_BYTES + 1);
    for (let at = 0; at < Math.min(length, NEW_BYTES); at++) buffer[at] = random(256);
    let outcome = "decoded";
    try {
      decodeMessage(buffer.subarray(0, length));
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      outcome = error.code;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  return outcomes;
}

let passed = 0;
let failed = 0;

function run(name, seed, fuzzer) {
  try {
    const outcomes = [...fuzzer(seed, COUNT_PER_SEED)].map(([outcome, count]) => `${outcome} ${count}`);
    passed++;
    process.stdout.write(`ok     ${name}, seed ${seed}: ${outcomes.join(", ")}\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`FAILED ${name}, seed ${seed}: ${error.stack}\n`);
  }
}

const firstSeed = Number(process.argv[2] ?? 1);
for (let seed = firstSeed; seed < firstSeed + SEED_COUNT; seed++) {
  run("messages", seed, fuzz);
  run("bytes", seed, fuzzCodec);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0) process.exitCode = 1;
