// Runs seeded simulations of whole clusters; the last line is "N passed, N failed". Each failing seed is
// shrunk and gives one line, a command that runs it again.
//
//   --seeds N      how many seeds, a quarter of them of each profile (20000)
//   --from N       the first seed (1)
//   --seed N       one seed only, with its schedule
//   --profile P    modern, etcd2, lease or rolling instead of all in turns
//   --keep N,N     only these actions of the plan

import { parseArgs } from "node:util";
import { Coverage, shrink, SIM_PROFILES, simulate } from "../src/sim/index.ts";

const MAX_FAILURES = 5;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    profile: { type: "string" },
    keep: { type: "string" },
  },
});
const keep = values.keep?.split(",").filter(Boolean).map(Number);
const print = (line) => process.stdout.write(`${line}\n`);

/** Seeds take the profiles in turns, so that each sees its own share. */
const profileOf = (seed) => values.profile ?? SIM_PROFILES[seed % SIM_PROFILES.length];

const command = ({ seed, profile }, actions) =>
  `pnpm --filter @kv/raft run sim --seed ${seed} --profile ${profile} --keep ${actions.join(",") || ","}`;

async function runSeed(seed) {
  const options = { seed, profile: profileOf(seed), ...(keep === undefined ? {} : { keep }) };
  return { options, result: await simulate(options) };
}

async function runOne(seed) {
  const { options, result } = await runSeed(seed);
  const { violation, actions, history, stepCount, simulatedMs } = result;
  for (const { number, atMs, deed } of actions)
    print(`${String(atMs).padStart(6)} ms  #${number} ${JSON.stringify(deed)}`);
  print(
    `seed ${seed} (${options.profile}): ${stepCount} steps, ${simulatedMs / 1000} s, ${history.length} operations`,
  );
  if (violation !== null)
    print(
      `broken: ${violation.invariant}: ${violation.text} (step ${violation.step}, ${violation.timeMs} ms)`,
    );
  print(violation === null ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return violation === null;
}

async function runMany(first, count) {
  const coverage = new Coverage();
  const startMs = performance.now();
  let [passed, failed, steps, simulatedMs] = [0, 0, 0, 0];
  for (let seed = first; seed < first + count && failed < MAX_FAILURES; seed++) {
    const { options, result } = await runSeed(seed);
    coverage.add(result.coverage);
    steps += result.stepCount;
    simulatedMs += result.simulatedMs;
    if (result.violation === null) {
      passed++;
      continue;
    }
    failed++;
    const short = await shrink(options, result);
    print(
      `FAILED ${result.violation.invariant}: ${result.violation.text}; again: ${command(options, short.keep)}`,
    );
  }
  const seconds = (performance.now() - startMs) / 1000;
  print(
    Object.entries(coverage.toRecord())
      .map(([kind, times]) => `${kind} ${times}`)
      .join(", "),
  );
  print(
    `${passed + failed} seeds, ${(simulatedMs / 3_600_000).toFixed(1)} simulated hours, ${steps} steps ` +
      `in ${seconds.toFixed(0)} s: ${Math.round(steps / seconds)} steps/s`,
  );
  // A fault that never happens finds nothing: that is a failure of the simulator.
  const missing = values.profile === undefined && count >= 1000 ? coverage.missing() : [];
  for (const kind of missing) print(`FAILED: ${kind} never happened`);
  print(`${passed} passed, ${failed + missing.length} failed`);
  return failed === 0 && missing.length === 0;
}

const isGood =
  values.seed === undefined
    ? await runMany(Number(values.from), Number(values.seeds))
    : await runOne(Number(values.seed));
if (!isGood) process.exitCode = 1;
