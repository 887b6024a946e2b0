// What a release would do, tried out on a copy: the versions and changelogs that the changesets make, and what
// would be published. Nothing here changes, and nothing leaves this machine.

import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { filesOf, packAll, unexpectedFiles } from "./packed-files.mjs";

const ROOT = resolve(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "kv-release-"));
const copy = join(directory, "copy");
const quiet = { cwd: copy, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };
let problemCount = 0;

try {
  // The committed state is what a release is made of.
  execFileSync("git", ["clone", "--quiet", "--local", ROOT, copy]);
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
