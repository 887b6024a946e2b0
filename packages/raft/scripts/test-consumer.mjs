// The package as its users get it: built, packed, installed from the tarball into a project outside of the
// workspace, without network. There the example of the README must type-check in both kinds of module
// resolution, with the declarations checked too, and must run, under Bun as well; and a simulation must be
// the same there, event by event. The last line is "N passed, N failed".

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

const PACKAGE = resolve(import.meta.dirname, "..");
const TSC = resolve(PACKAGE, "../../node_modules/typescript/bin/tsc");
const RESOLUTIONS = {
  nodenext: { module: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};
/** Installed where it exists; elsewhere whoever has Bun can name it. */
const BUN = process.env.KV_BUN ?? resolve(PACKAGE, "../../node_modules/@oven/bun-linux-x64-baseline/bin/bun");
const MUST_HAVE_BUN = process.platform === "linux" && process.arch === "x64";
/** Everything that a few simulated clusters did: same seeds, same lines. */
const SIMULATION = `
import { SIM_PROFILES, simulate } from "@kv/raft/sim";
for (let seed = 1; seed <= 12; seed++) {
  const { violation, stepCount, coverage, history } = await simulate({ seed, profile: SIM_PROFILES[seed % 4] });
  console.log(JSON.stringify({ seed, violation, stepCount, coverage: coverage.toRecord(), history }));
}
`;
/** What the example adds up, whatever the indexes are. */
const EXPECTED_OUTPUT = /^entry \d+: 1\nentry \d+: 3\nentry \d+: 6\n$/;

let passed = 0;
let failed = 0;

/** Runs a program, which must succeed with the expected output. */
function run(name, cwd, command, args, isExpected = () => true) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  const isGood = status === 0 && isExpected(stdout);
  if (isGood) passed++;
  else failed++;
  const details = isGood ? "" : `: status ${status} ${error ?? ""}\n${stdout}${stderr}`;
  process.stdout.write(`${isGood ? "ok    " : "FAILED"} ${name}${details}\n`);
  return isGood;
}

const directory = mkdtempSync(join(tmpdir(), "raft-consumer-"));
const project = join(directory, "project");
mkdirSync(project);
const write = (file, content) => writeFileSync(join(project, file), content);
const writeJson = (file, value) => write(file, JSON.stringify(value, null, 2));

try {
  run("is built", PACKAGE, process.execPath, [TSC, "-b"]);
  run("is packed", PACKAGE, "pnpm", ["pack", "--pack-destination", directory]);
  const tarball = readdirSync(directory).find((file) => file.endsWith(".tgz"));
  writeJson("package.json", {
    type: "module",
    private: true,
    dependencies: { "@kv/raft": `file:../${tarball}` },
  });
  run("is installed without network", project, "pnpm", [
    "install",
    "--offline",
    "--ignore-workspace",
    "--no-frozen-lockfile",
  ]);

  const readme = readFileSync(join(project, "node_modules/@kv/raft/README.md"), "utf8");
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  write("example.ts", example);
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    const compilerOptions = {
      ...resolution,
      target: "es2024",
      lib: ["es2024", "esnext.disposable", "dom"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    writeJson(`tsconfig.${name}.json`, { compilerOptions, files: ["example.ts"] });
    run(`its example type-checks under ${name}`, project, process.execPath, [
      TSC,
      "-p",
      `tsconfig.${name}.json`,
    ]);
  }
  run("its example runs", project, process.execPath, ["example.ts"], (output) =>
    EXPECTED_OUTPUT.test(output),
  );
  write("simulation.mjs", SIMULATION);
  let simulated = "";
  run("its simulator runs", project, process.execPath, ["simulation.mjs"], (output) => {
    simulated = output;
    return output.includes('"violation":null');
  });
  if (existsSync(BUN) || MUST_HAVE_BUN) {
    run("its example runs under Bun", project, BUN, ["example.ts"], (output) => EXPECTED_OUTPUT.test(output));
    run(
      "a simulation under Bun is the same",
      project,
      BUN,
      ["simulation.mjs"],
      (output) => output === simulated,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0) process.exitCode = 1;
