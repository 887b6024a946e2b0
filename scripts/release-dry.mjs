// What a release would do, tried out on a copy: the versions and changelogs that the changesets make, and what
// would be published. Nothing here changes, and nothing leaves this machine.

import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { filesOf, packAll, unexpectedFiles } from "./packed-files.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "kv-release-"));
const copy = join(directory, "copy");
// No settings of the user's; and a checkout that belongs to somebody else, as in a container, is copied too.
const gitConfig = join(directory, "gitconfig");
writeFileSync(gitConfig, "[safe]\n\tdirectory = *\n");
const env = { ...process.env, GIT_CONFIG_GLOBAL: gitConfig };
const quiet = { cwd: copy, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env };
let problemCount = 0;

try {
  // The committed state is what a release is made of.
  execFileSync("git", ["clone", "--quiet", "--local", ROOT, copy], { ...quiet, cwd: ROOT });
  endHistory();
  execFileSync("pnpm", ["install", "--frozen-lockfile", "--prefer-offline"], quiet);
  execFileSync("pnpm", ["exec", "changeset", "version"], quiet);
  execFileSync("pnpm", ["exec", "turbo", "run", "build", "--output-logs=errors-only"], quiet);
  const tarballs = packAll(copy, directory);
  for (const path of globSync("{packages,apps}/*/package.json", { cwd: copy }).toSorted())
    describe(path, tarballs);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (problemCount > 0) process.exitCode = 1;

/** In a copy of a shallow clone, makes the oldest commits the first: changesets would ask for older ones for ever. */
function endHistory() {
  const boundary = join(copy, ".git/shallow");
  if (!existsSync(boundary)) return;
  for (const commit of readFileSync(boundary, "utf8").trim().split("\n")) {
    execFileSync("git", ["replace", "--graft", commit], quiet);
  }
  rmSync(boundary);
}

/** Prints one package: its version before and after, its changelog entry, and its tarball if it has one. */
function describe(path, tarballs) {
  const { name, version } = readJson(join(copy, path));
  const before = readJson(join(ROOT, path)).version;
  process.stdout.write(`\n${name} ${before} -> ${version}${name in tarballs ? "" : " (not published)"}\n`);
  if (version !== before) process.stdout.write(indent(newestEntry(join(copy, path, "../CHANGELOG.md"))));
  if (!(name in tarballs)) return;
  execFileSync("pnpm", ["publish", "--dry-run", "--no-git-checks"], {
    ...quiet,
    cwd: join(copy, path, ".."),
  });
  const wrong = unexpectedFiles(copy, name, tarballs[name]);
  problemCount += wrong.length;
  const size = Math.round(statSync(tarballs[name]).size / 1024);
  process.stdout.write(`  tarball: ${filesOf(tarballs[name]).length} files, ${size} KiB\n`);
  for (const file of wrong) process.stdout.write(`  WRONG: ${file}\n`);
}

function newestEntry(changelog) {
  return readFileSync(changelog, "utf8").split(/^## .*\n/m)[1] ?? "";
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function indent(text) {
  return text.trim().replaceAll(/^(?=.)/gm, "  | ") + "\n";
}
