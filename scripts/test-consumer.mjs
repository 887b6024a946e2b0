// The packages as their users get them: packed, and installed from the tarballs into a project outside of the
// workspace. There every example of their READMEs must type-check in both kinds of module resolution, with
// the declarations checked too, must run, and must print what is said here. What a README takes for granted
// (a server, a second member) stands around its example in consumer/. A second project installs the client
// alone and finds no server in it. The last line is "N passed, N failed".

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { packAll, unexpectedFiles } from "./packed-files.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const RESOLUTIONS = {
  nodenext: { module: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** What each file of consumer/ prints when it runs, with everything that differs from run to run left open. */
const PRINTS = {
  "raft.ts": /^entry \d+: 1\nentry \d+: 3\nentry \d+: 6\n$/,
  "wal.ts": /^1 \{ term: 1, vote: 'a', commit: 1 \} \[\]\n$/,
  "store.ts":
    /^set \/1\/app\/color blue 1\ncompareAndSwap \/1\/app\/color green 2\ntrue 2\n\{"Root":\{.*"CurrentVersion":2\}\n\/1 1\n$/,
  "rafthttp.ts": /^b has a message of term 7 from a\n$/,
  "server.ts": /^201 \{"action":"set","node":\{"key":"\/hello","value":"world",.*\n\n$/,
  "client.ts": /^changed by somebody else: \[red != (green|blue)\]\nset \/config\/color blue\n$/,
  "client-recipes.ts": /^the report true\ntrue false\nto: ann@example\.org\n1\n10\.0\.0\.1:80\n$/,
  "client-testing.ts": /a session ends after a minute[^]*pass 1\n[^]*fail 0\n/,
};

const ALONE = 'import { Client } from "@kv/client"; await new Client({ endpoints: ["a:1"] }).close();';

let passed = 0;
let failed = 0;

function report(name, details) {
  if (details === null) passed++;
  else failed++;
  process.stdout.write(details === null ? `ok    ${name}\n` : `FAILED ${name}: ${details}\n`);
}

/** Runs a program that must succeed and print what is expected. */
function run(name, cwd, command, args, prints = /^/) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  const isGood = status === 0 && prints.test(stdout);
  report(name, isGood ? null : `status ${status} ${error ?? ""}\n${stdout}${stderr}`);
}

/** A file of consumer/ with the README's blocks in the places that name them, `@kv/store 2` the second of its own. */
function fill(template, packages) {
  return template.replaceAll(/^\/\/ (@kv\/[a-z]+) (\d)$/gm, (_, name, number) => {
    const readme = readFileSync(join(packages, name, "README.md"), "utf8");
    const block = [...readme.matchAll(/```ts\n([^]*?)```/g)][number - 1]?.[1];
    if (block === undefined) throw new Error(`the README of ${name} has no example ${number}`);
    return block.replace('endpoints: ["http://127.0.0.1:2379"]', "endpoints: [url]");
  });
}

/** A project that depends on some of the tarballs; what these need comes from the other tarballs. */
function createProject(directory, names, tarballs) {
  mkdirSync(directory);
  const urls = Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]));
  const dependencies = Object.fromEntries(names.map((name) => [name, urls[name]]));
  const manifest = { type: "module", private: true, dependencies };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest, null, 2));
  writeFileSync(
    join(directory, "pnpm-workspace.yaml"),
    `pmOnFail: ignore\noverrides: ${JSON.stringify(urls)}\nallowBuilds: {}\n`,
  );
  const install = ["install", "--prefer-offline", "--no-frozen-lockfile"];
  run(`${names.join(", ")}: installed`, directory, "pnpm", install);
}

/** Files of a project in both kinds of module resolution. */
function typeCheck(what, cwd, files) {
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    const compilerOptions = {
      ...resolution,
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const config = `tsconfig.${name}.json`;
    writeFileSync(join(cwd, config), JSON.stringify({ compilerOptions, files }));
    run(`${what} type-checks under ${name}`, cwd, process.execPath, [TSC, "-p", config]);
  }
}

const directory = mkdtempSync(join(tmpdir(), "kv-consumer-"));
try {
  const tarballs = packAll(ROOT, directory);
  for (const [name, file] of Object.entries(tarballs)) {
    const wrong = unexpectedFiles(ROOT, name, file);
    report(
      `${name}: packed with what it needs, and nothing else`,
      wrong.length === 0 ? null : wrong.join(", "),
    );
  }

  const project = join(directory, "project");
  createProject(project, Object.keys(tarballs), tarballs);
  const templates = readdirSync(join(import.meta.dirname, "consumer"));
  for (const file of templates) {
    const template = readFileSync(join(import.meta.dirname, "consumer", file), "utf8");
    writeFileSync(join(project, file), fill(template, join(project, "node_modules")));
  }
  typeCheck("every example", project, templates);
  for (const file of templates) {
    const prints = PRINTS[file];
    if (prints === undefined) throw new Error(`nothing says what ${file} prints`);
    run(`the example ${file} runs`, project, process.execPath, ["--test-reporter=spec", file], prints);
  }

  const alone = join(directory, "alone");
  createProject(alone, ["@kv/client"], tarballs);
  writeFileSync(join(alone, "alone.ts"), ALONE);
  typeCheck("the client alone", alone, ["alone.ts"]);
  run("the client alone is loaded", alone, process.execPath, ["alone.ts"]);
  const hasServer = readdirSync(join(alone, "node_modules/.pnpm")).some((name) =>
    name.startsWith("@kv+server"),
  );
  report("the client alone brings no server", hasServer ? "node_modules has @kv/server" : null);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0) process.exitCode = 1;
