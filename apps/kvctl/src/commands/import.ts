// `import [KEY]`: writes what `export` has printed. (etcdctl's command of that name read dumps of etcd 0.4.)

import { EtcdError, EtcdErrorCode } from "@kv/client";
import type { Client } from "@kv/client";
import { ExitCode } from "../exit-codes.ts";
import { readLines } from "../standard-input.ts";
import { parseEntry } from "../subtree.ts";
import type { Entry } from "../subtree.ts";
import type { Command } from "./command.ts";

export const importCommand: Command = {
  name: "import",
  usage: "[KEY]",
  summary: "write the JSON lines of export, read from standard input, to KEY and below; may be repeated",
  flags: [],
  style: "keys",
  sync: true,
  run: async ({ words, printer, connect }) => {
    // All lines are read before the first is written, so that a broken file changes nothing.
    const entries: Entry[] = [];
    let lineNumber = 0;
    for await (const line of readLines()) {
      lineNumber++;
      if (line !== "") entries.push(parseEntry(line, lineNumber));
    }
    await using session = await connect();
    const root = (words[0] ?? "/").replace(/\/+$/, "");
    let count = 0;
    try {
      for (const entry of entries) {
        // Not ended by --total-timeout: what is to be written may be much.
        await write(session.client, root, entry);
        count++;
      }
    } finally {
      printer.error(`imported ${count} of ${entries.length} keys`);
    }
    return ExitCode.Success;
  },
};

async function write({ keys }: Client, root: string, { key, value, ttl }: Entry): Promise<void> {
  const path = root + key;
  const options = { ttl: ttl ?? undefined, idempotent: true };
  if (value !== null) {
    await keys.set(path, value, options);
    return;
  }
  if (path === "") return; // The root is there and cannot be written.
  try {
    await keys.mkdir(path, options);
  } catch (error) {
    if (!(error instanceof EtcdError && error.errorCode === EtcdErrorCode.KeyExists)) throw error;
    await keys.updateDir(path, options);
  }
}
