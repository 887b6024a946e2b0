// Every export of every entry point has a doc comment: what the types cannot say has one place to look for.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

/** The entry points of the package, as its `exports` name them. */
const ENTRIES = ["index.ts", "node/index.ts", "codec/index.ts", "sim/index.ts"];
const DECLARATION = /^export (?:abstract |async )?(?:class|function\*?|const|type|interface) (\w+)/;

/** The names that a module declares, and whether a comment stands right above one of their declarations. */
function declarations(file: string): Map<string, boolean> {
  const lines = readFileSync(file, "utf8").split("\n");
  const found = new Map<string, boolean>();
  for (const [i, line] of lines.entries()) {
    const name = DECLARATION.exec(line)?.[1];
    if (name === undefined) continue;
    // Directives for the linter may stand between a comment and what it is about.
    const above =
      lines
        .slice(0, i)
        .findLast((one) => !one.startsWith("//"))
        ?.trim() ?? "";
    // A type that has the name of a value is documented with it.
    found.set(name, found.get(name) === true || above.endsWith("*/"));
  }
  return found;
}

/** What a module exports, its own and that of others, and whether it is documented. */
function exported(file: string): Map<string, boolean> {
  const found = declarations(file);
  const statements = readFileSync(file, "utf8").matchAll(/export (?:type )?(?:\*|\{([^}]*)\}) from "(.+?)"/g);
  for (const [, list, from = ""] of statements) {
    const known = exported(join(dirname(file), from));
    const names = list?.split(",").map((one) => one.replace("type ", "").trim()) ?? [...known.keys()];
    for (const name of names) if (name !== "") found.set(name, known.get(name) ?? false);
  }
  return found;
}

test.for(ENTRIES)("every export of %s has a doc comment", (entry) => {
  const all = [...exported(join(import.meta.dirname, entry))];

  expect(all.length).toBeGreaterThan(5);
  expect(all.filter(([, isDocumented]) => !isDocumented).map(([name]) => name)).toEqual([]);
});
