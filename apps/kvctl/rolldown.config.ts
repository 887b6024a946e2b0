import { builtinModules } from "node:module";
import { defineConfig } from "rolldown";
import type { Plugin } from "rolldown";

const NOTHING = "\0plain:nothing";

/**
 * What is not in the one file of the start: main.ts and what it needs to have the rest compiled well; run.ts, which
 * waits for the command (a file that the command loads would wait for it in turn, if it imported the same file);
 * `node:module`, which is for the bundler's own helpers.
 */
const STAYS = /src\/(main|run|code-cache)\.ts$|plain:node:module$/;

/**
 * Builtin modules without their ES module faces: an import of one reads all of its exports, and some of those
 * load much (node:process all standard streams, node:fs its promises). 20 to 40 ms of each start.
 */
const plainBuiltins: Plugin = {
  name: "plain-builtins",
  resolveId: {
    filter: { id: /^node:/ },
    handler: (id, importer) => {
      // For commands in files of their own, which kvctl does not have.
      if (id === "node:child_process" && importer?.includes("/commander/") === true) return { id: NOTHING };
      return { id: `\0plain:${id}`, moduleSideEffects: false };
    },
  },
  load: {
    filter: { id: /^\0plain:/ },
    handler: (id) => {
      if (id === NOTHING) return "export default {};";
      const name = id.slice("\0plain:".length);
      if (!builtinModules.includes(name.slice("node:".length)))
        throw new Error(`${name} is no builtin module`);
      const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter((key) => key !== "default");
      return [
        `const builtin = /* @__PURE__ */ process.getBuiltinModule("${name}");`,
        "export default builtin;",
        ...names.map(
          (key, i) => `const _${i} = /* @__PURE__ */ (() => builtin.${key})(); export { _${i} as ${key} };`,
        ),
      ].join("\n");
    },
  },
};

// What help and --version need is main.js, run.js and what they import; what talks to a server is loaded with the
// first connection.
export default defineConfig({
  input: { main: "src/main.ts", run: "src/run.ts" },
  platform: "node",
  plugins: [plainBuiltins],
  resolve: { conditionNames: ["@kv/source", "import", "node", "default"] },
  // The client's default transport; kvctl brings its own (src/http-transport.ts), so it is never loaded.
  external: ["undici"],
  output: {
    dir: "dist",
    format: "esm",
    sourcemap: true,
    chunkFileNames: "[name].js",
    // Each file is a millisecond at every start.
    codeSplitting: {
      groups: [{ name: "start", tags: ["$initial"], test: (id) => !STAYS.test(id) }],
    },
    // What is read at every start is compiled at every start. Names of functions and classes stay, for
    // stack traces.
    comments: { annotation: false, jsdoc: false, legal: true },
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
  },
});
