// Who may import whom: the table of docs/design/architecture.md §2, checked against every manifest and
// every source file. A change of the table there is a change here, in the same commit.

import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const ANY = null;

/** Allowed imports of each package: from this repository, from npm, and `node:` builtins (null: any). */
const TABLE = {
  "@kv/raft": { kv: [], npm: [], node: [] },
  "@kv/store": { kv: [], npm: [], node: [] },
  "@kv/wal": {
    kv: ["@kv/raft"],
    npm: ["@node-rs/crc32"],
    // A socket serves as a lock, and the optional native CRC is loaded by require.
    node: ["fs", "fs/promises", "path", "buffer", "module", "net"],
  },
  "@kv/rafthttp": {
    kv: ["@kv/raft"],
    npm: ["undici"],
    // Host names are resolved by the package itself, off the thread pool that fsync needs (architecture §9).
    node: ["dns", "dns/promises", "net", "stream", "stream/promises", "tls"],
  },
  "@kv/server": {
    kv: ["@kv/raft", "@kv/rafthttp", "@kv/store", "@kv/wal"],
    // Passwords are stored as bcrypt, and checking one takes 50 ms: native, so that it runs off the event loop.
    npm: ["@node-rs/bcrypt", "zod"],
    node: ANY,
  },
  "@kv/client": {
    kv: [],
    npm: ["undici", "zod"],
    node: ["dns", "dns/promises", "tls", "fs"],
    // The test double is the real server (an imitation would agree with itself only). An entry point of its
    // own and an optional peer: who does not import `@kv/client/testing` neither loads nor installs it.
    folders: { "src/testing/": ["@kv/server"] },
    peers: ["@kv/server"],
  },
  kvd: {
    kv: ["@kv/client", "@kv/rafthttp", "@kv/server"],
    // The native parts belong to @kv/wal and @kv/server; they stand here because the bundle of kvd loads them.
    npm: ["@node-rs/bcrypt", "@node-rs/crc32", "pino", "prom-client", "undici", "zod"],
    node: ANY,
  },
  kvctl: { kv: ["@kv/client", "@kv/wal"], npm: ["@node-rs/crc32", "cli-table3"], node: ANY },
};

const packages = globSync(["packages/*/package.json", "apps/*/package.json"], { cwd: ROOT }).map((path) => ({
  folder: join(ROOT, path, ".."),
  manifest: JSON.parse(readFileSync(join(ROOT, path), "utf8")),
}));

test("imports are found at all", () => {
  const specifiers = packages
    .flatMap(({ folder }) => sourceImports(folder))
    .map(({ specifier }) => specifier);

  expect(specifiers).toContain("@kv/raft");
  expect(specifiers).toContain("node:fs/promises");
});

test("every package has its row in the table", () => {
  const names = packages.map(({ manifest }) => manifest.name);

  expect(new Set(names)).toStrictEqual(new Set(Object.keys(TABLE)));
});

describe.each(packages)("$manifest.name", ({ folder, manifest }) => {
  const allowed = TABLE[manifest.name] ?? { kv: [], npm: [], node: [] };

  test("declares no dependency beyond its row", () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });

    expect(declared.filter((name) => ![...allowed.kv, ...allowed.npm].includes(name))).toStrictEqual([]);
    expect(Object.keys(manifest.peerDependencies ?? {})).toStrictEqual(allowed.peers ?? []);
  });

  test("nothing outside imports a folder with a row of its own", () => {
    for (const own of Object.keys(allowed.folders ?? {})) {
      const outside = sourceImports(folder).filter(({ file }) => !file.startsWith(own));
      const reaching = outside.filter(({ file, specifier }) => {
        return specifier.startsWith(".") && posix.join(posix.dirname(file), specifier).startsWith(own);
      });

      expect(reaching).toStrictEqual([]);
    }
  });

  test("imports nothing beyond its row", () => {
    const wrong = sourceImports(folder).filter(
      ({ file, specifier }) => !isAllowed(specifier, manifest.name, rowOf(file, allowed)),
    );

    expect(wrong).toStrictEqual([]);
  });
});

/** All imports of the non-test sources, with the file they stand in. */
function sourceImports(folder) {
  const files = globSync("src/**/*.ts", { cwd: folder }).filter((file) => !/\.(test|bench)\./.test(file));
  return files.flatMap((file) => {
    const source = readFileSync(join(folder, file), "utf8");
    const found = source.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/g,
    );
    const bare = source.matchAll(/(?:^|\n)import\s+"([^"]+)"/g);
    return [...found, ...bare].map(([, specifier, dynamic]) => ({ file, specifier: specifier ?? dynamic }));
  });
}

/** The row of the package, with what the folder of the file may import beside it. */
function rowOf(file, allowed) {
  const folder = Object.keys(allowed.folders ?? {}).find((prefix) => file.startsWith(prefix));
  return folder === undefined ? allowed : { ...allowed, kv: [...allowed.kv, ...allowed.folders[folder]] };
}

function isAllowed(specifier, self, allowed) {
  if (specifier.startsWith(".")) return specifier.endsWith(".ts");
  if (specifier.startsWith("node:")) return allowed.node === ANY || allowed.node.includes(specifier.slice(5));
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return name !== self && [...allowed.kv, ...allowed.npm].includes(name);
}
