import { writeFileSync } from "node:fs";
const file = { write: async (chunk: Uint8Array): Promise<void> => writeFileSync(1, chunk) };

// @kv/store 1

// @kv/store 2
