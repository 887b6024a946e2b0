// What a package's tarball holds: README, LICENSE, changelog, and each source that is not a test together with
// what it compiles to. A file that nobody planned for, and one that is missing, is named.

import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ALWAYS = ["LICENSE", "README.md", "package.json"];
const COMPILED = [".js", ".js.map", ".d.ts", ".d.ts.map"];
/** Sources that are for this repository only, beside tests and what supports them. */
const PRIVATE_FOLDERS = {
  "@kv/raft": /^src\/traces\//,
  "@kv/server": /^src\/http\/testing\//,
};

/** Packs every package into `directory`; the tarballs by package name. */
export function packAll(root, directory) {
  const packages = globSync("packages/*/package.json", { cwd: root }).toSorted();
  return Object.fromEntries(
    packages.map((path) => {
      const folder = join(root, path, "..");
      const { name } = JSON.parse(readFileSync(join(root, path), "utf8"));
      const args = ["pack", "--json", "--pack-destination", directory];
      const { filename } = JSON.parse(execFileSync("pnpm", args, { cwd: folder, encoding: "utf8" }));
      return [name, filename];
    }),
  );
}

/** The files of a tarball, without the `package/` in front. */
export function filesOf(tarball) {
  const listing = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
  return listing.split("\n").flatMap((line) => (line === "" ? [] : [line.replace(/^package\//, "")]));
}

/** The files that are too many (`+`) or missing (`-`) in a tarball. */
export function unexpectedFiles(root, name, tarball) {
  const folder = join(root, "packages", name.replace("@kv/", ""));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const sources = globSync("src/**/*.ts", { cwd: folder }).filter((source) => isPublic(name, source));
  const compiled = sources.flatMap((source) => {
    const stem = source.replace(/^src/, "dist").replace(/\.ts$/, "");
    return COMPILED.map((ending) => stem + ending);
  });
  const changelog = version === "0.0.0" ? [] : ["CHANGELOG.md"]; // written with the first release
  const wanted = new Set([...ALWAYS, ...changelog, ...sources, ...compiled]);
  const found = new Set(filesOf(tarball));
  return [
    ...[...found.difference(wanted)].map((file) => `+${file}`),
    ...[...wanted.difference(found)].map((file) => `-${file}`),
  ];
}

function isPublic(name, source) {
  return !/\.test\./.test(source) && !(PRIVATE_FOLDERS[name]?.test(source) ?? false);
}
