import { defineConfig } from "rolldown";
import { bundledLicences } from "../../scripts/bundled-licences.mjs";

// One file, so that a start reads one file. The native CRC stays outside: it is optional and not JavaScript.
export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  resolve: { conditionNames: ["@kv/source", "import", "node", "default"] },
  external: [/^@node-rs\//],
  plugins: [bundledLicences()],
  output: { file: "dist/main.js", format: "esm", sourcemap: true, codeSplitting: false },
});
