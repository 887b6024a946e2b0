// Specifications, design documents, recorded cases and fixtures are copies of material that is kept
// beside this repository. Where the originals are at hand, both must be equal byte for byte. So must the
// licence in each package be, which npm, unlike pnpm, does not take from the root.

import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const ORIGINALS = join(ROOT, "..", "shared");

/** Folder of the originals → folder here. */
const COPIES = [
  ["spec", "docs/spec"],
  ["design", "docs/design"],
  ["conformance", "conformance"],
  ["fixtures", "conformance/fixtures"],
];

/** conformance/README.md tells about the copies here, so the original of that name has another. */
const RENAMED = new Map([["conformance/README.md", "conformance/CASES-README.md"]]);

const haveOriginals = existsSync(ORIGINALS);
if (!haveOriginals) process.stderr.write("SKIPPED: the originals of the copied documents are not at hand\n");

describe.skipIf(!haveOriginals)("copies", () => {
  test.each(COPIES)("%s is equal to its copy in %s", (from, to) => {
    const files = globSync("**", { cwd: join(ORIGINALS, from) }).filter((file) =>
      statSync(join(ORIGINALS, from, file)).isFile(),
    );

    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !isEqualCopy(join(ORIGINALS, from, file), copyOf(to, file)))).toStrictEqual(
      [],
    );
  });
});

test("each package has the licence of the repository", () => {
  const folders = globSync("packages/*", { cwd: ROOT });
  const licence = readFileSync(join(ROOT, "LICENSE"));

  expect(folders.length).toBeGreaterThan(0);
  expect(
    folders.filter((folder) => {
      const copy = join(ROOT, folder, "LICENSE");
      return !existsSync(copy) || !readFileSync(copy).equals(licence);
    }),
  ).toStrictEqual([]);
});

test("the index of documents lists every document", () => {
  const index = readFileSync(join(ROOT, "docs", "README.md"), "utf8");
  const documents = globSync("docs/{spec,design}/*.md", { cwd: ROOT });

  expect(documents.length).toBeGreaterThan(0);
  expect(
    documents.filter((path) => !index.includes(`(${basename(dirname(path))}/${basename(path)})`)),
  ).toStrictEqual([]);
});

function copyOf(folder, file) {
  const path = join(folder, file);
  return join(ROOT, RENAMED.get(path) ?? path);
}

function isEqualCopy(original, copy) {
  return existsSync(copy) && readFileSync(original).equals(readFileSync(copy));
}
