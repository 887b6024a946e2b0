import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { licencesOf } from "./bundled-licences.mjs";

const APPS = join(import.meta.dirname, "..", "apps");

describe.each(["kvctl", "kvd"])("the bundle of %s", (app) => {
  test("has the licence of every package whose code is in it", () => {
    const dist = join(APPS, app, "dist");
    const packages = new Set(globSync("*.js.map", { cwd: dist }).flatMap((map) => packagesIn(dist, map)));
    if (packages.size === 0) throw new Error(`apps/${app}/dist is missing; build it first`);

    const sections = readFileSync(join(dist, "LICENSES.txt"), "utf8").split(/\n\n-+\n/);
    const titles = sections.filter((text) => text.includes("\n\n[")).map((text) => text.split(" (", 1)[0]);

    expect(new Set(titles)).toStrictEqual(packages);
  });
});

describe("the text for a set of modules", () => {
  let root;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "licences-"));
    write("node_modules/b/package.json", '{ "name": "b", "version": "1.0.0", "license": "MIT" }');
    write("node_modules/b/LICENSE", "text of b\r\n");
    write("node_modules/b/lib/parser/LICENSE.md", "text of b's parser");
    write("node_modules/b/lib/parser/index.js", "");
    write("node_modules/b/index.js", "");
    write("node_modules/b/node_modules/@s/a/package.json", '{ "name": "@s/a", "version": "2.0.0" }');
    write("node_modules/b/node_modules/@s/a/license", "text of a");
    write("node_modules/b/node_modules/@s/a/index.js", "");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test("does not depend on the order of the modules, and leaves our own out", () => {
    const modules = ["src/main.ts", "node_modules/b/index.js", "node_modules/b/node_modules/@s/a/index.js"];

    const text = licences(...modules);

    expect(text).toBe(licences(...modules.toReversed()));
    expect(text.split(/\n\n-+\n/).slice(1)).toStrictEqual([
      "@s/a 2.0.0 (see below)\n\n[license]\n\ntext of a",
      "b 1.0.0 (MIT)\n\n[LICENSE]\n\ntext of b\n",
    ]);
  });

  test("has the licence of a folder that a package took from elsewhere, if code of that folder is used", () => {
    expect(licences("node_modules/b/lib/parser/index.js")).toContain(
      "text of b\n\n[lib/parser/LICENSE.md]\n\ntext of b's parser",
    );
    expect(licences("node_modules/b/index.js")).not.toContain("parser");
  });

  test("is refused when a package has neither a licence file nor a licence field", () => {
    write("node_modules/c/package.json", '{ "name": "c", "version": "3.0.0" }');
    write("node_modules/c/index.js", "");

    expect(() => licences("node_modules/b/index.js", "node_modules/c/index.js")).toThrow(
      "c 3.0.0 names no licence",
    );
  });

  function write(path, text) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  function licences(...modules) {
    return licencesOf(modules.map((module) => join(root, module)));
  }
});

/** `name version` of each package that a source map names. */
function packagesIn(dist, map) {
  const { sources } = JSON.parse(readFileSync(join(dist, map), "utf8"));
  return sources.flatMap((source) => {
    const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0];
    if (folder === undefined) return [];
    const { name, version } = JSON.parse(readFileSync(join(dist, folder, "package.json"), "utf8"));
    return [`${name} ${version}`];
  });
}
