// The licences of what a bundle takes from npm, as LICENSES.txt beside it: who passes the program on must pass
// these texts on too. A plugin of apps/*/rolldown.config.ts.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The folder of the innermost package that a module belongs to. */
const PACKAGE_FOLDER = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/;
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i;
const RULE = "-".repeat(80);
const HEADER =
  "This program contains code of the packages below, each under the licence that stands with it.";

/** Writes LICENSES.txt for one build. Of several builds into one folder, only one may have code from npm. */
export function bundledLicences() {
  return {
    name: "bundled-licences",
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap(({ moduleIds }) => moduleIds ?? []);
      this.emitFile({ type: "asset", fileName: "LICENSES.txt", source: licencesOf(modules) });
    },
  };
}

/**
 * The text for all modules that stand below a node_modules, by package name and version, in the same order whatever
 * the order of the modules.
 *
 * @throws {Error} if a package has neither a licence file nor a `license` in its package.json.
 */
export function licencesOf(modules) {
  const filesByPackage = new Map();
  for (const module of modules) {
    const folder = PACKAGE_FOLDER.exec(module)?.[0];
    if (folder === undefined) continue;
    const files = filesByPackage.get(folder) ?? new Set();
    for (const file of licenceFiles(folder, dirname(module))) files.add(file);
    filesByPackage.set(folder, files);
  }
  const sections = [...filesByPackage].map(([folder, files]) => section(folder, [...files]));
  return [HEADER, ...new Set(sections.toSorted())].join(`\n\n${RULE}\n`) + "\n";
}

/** Licence files from the folder of a module up to that of its package: code from elsewhere brings its own. */
function licenceFiles(packageFolder, moduleFolder) {
  const own = readdirSync(moduleFolder)
    .filter((name) => LICENCE_FILE.test(name))
    .map((name) => join(moduleFolder, name));
  if (moduleFolder === packageFolder) return own;
  return [...own, ...licenceFiles(packageFolder, dirname(moduleFolder))];
}

function section(folder, files) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const licence = license?.type ?? license; // an object in very old packages
  if (files.length === 0 && licence === undefined) throw new Error(`${name} ${version} names no licence`);
  const texts = files.toSorted().map((file) => {
    const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n").trim();
    return `\n\n[${relative(folder, file).replaceAll("\\", "/")}]\n\n${text}`;
  });
  return `${name} ${version} (${licence ?? "see below"})${texts.join("")}`;
}
