import { writeFileSync } from "node:fs";
import type { ListingSink, NodeExtern } from "@kv/store";
const file = { write: async (chunk: Uint8Array): Promise<void> => writeFileSync(1, chunk) };
const print = ({ key, nodes }: NodeExtern): void => console.log(`\n${key} ${nodes?.length}`);
const sink: ListingSink = { file: () => undefined, enter: () => undefined, leave: () => undefined };

// @kv/store 1

// @kv/store 2

// @kv/store 3
