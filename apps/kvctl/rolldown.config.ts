import { defineConfig } from "rolldown";

// What help and --version need is main.js; what talks to a server is loaded with the first connection.
export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  resolve: { conditionNames: ["@kv/source", "import", "node", "default"] },
  // The client's default transport; kvctl brings its own (src/http-transport.ts), so it is never loaded.
  external: ["undici"],
  output: { dir: "dist", format: "esm", sourcemap: true, chunkFileNames: "[name].js" },
});
