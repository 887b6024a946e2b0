import { defineConfig } from "rolldown";
import type { InputOptions, OutputOptions } from "rolldown";
import { bundledLicences } from "../../scripts/bundled-licences.mjs";

const input: InputOptions = {
  platform: "node",
  resolve: { conditionNames: ["@kv/source", "import", "node", "default"] },
};

const output: OutputOptions = {
  dir: "dist",
  // CommonJS, because Node takes less time to load it: 2 ms at each start, and again with the first connection.
  format: "cjs",
  sourcemap: true,
  chunkFileNames: "[name].js",
  // What is read at every start is compiled at every start. Names of functions and classes stay, for
  // stack traces.
  comments: { annotation: false, jsdoc: false, legal: true },
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
};

/** For Node, to whom the package around is one of ES modules. */
const COMMONJS = { type: "asset", fileName: "package.json", source: '{ "type": "commonjs" }\n' } as const;

// Each file is a millisecond or two at every start. Help and --version need main.js and run.js; the rest is loaded
// by the commands that use it.
export default defineConfig([
  {
    ...input,
    input: { main: "src/main.ts" },
    external: [/\/run\.ts$/],
    plugins: [
      {
        name: "package-json",
        generateBundle() {
          this.emitFile(COMMONJS);
        },
      },
    ],
    output: {
      ...output,
      cleanDir: true, // The builds run one after the other; this one is the first.
      paths: (id) => (id.endsWith("/run.ts") ? "./run.js" : id),
      dynamicImportInCjs: false, // Node's import() of CommonJS takes its exports from a second look at the text.
    },
  },
  {
    ...input,
    input: { run: "src/run.ts" },
    // run.js may export what other files share with it; otherwise that would be one more file.
    preserveEntrySignatures: "allow-extension",
    // The client's default transport; kvctl brings its own (src/http-transport.ts), so it is never loaded.
    external: ["undici"],
    // All code from npm is in this build.
    plugins: [bundledLicences()],
    output,
  },
]);
