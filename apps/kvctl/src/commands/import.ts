// `import [KEY]`: writes what `export` has printed. `import --snap FILE` writes a dump of etcd 0.4, as
// etcdctl's command of that name means to. Spec: ctl.md §9.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { argumentError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { Progress } from "../progress.ts";
import { readEntries } from "../read-entries.ts";
import { parseDump } from "../snapshot-04.ts";
import type { Entry } from "../subtree.ts";
import { writeEntries } from "../write-entries.ts";
import type { Call, Command } from "./command.ts";

const CONCURRENCY = 10;

export const importCommand: Command = {
  name: "import",
  usage: "[KEY]",
  summary: "write the JSON lines of export, read from standard input, to KEY and below; may be repeated",
  flags: [
    { name: "file", kind: "text", help: "read the lines from this file; -: standard input" },
    { name: "snap", kind: "text", help: "write this dump of an etcd 0.4 (/v2/migration/snapshot) instead" },
    { name: "hidden", kind: "texts", help: "with --snap: a hidden key to write too; may be repeated" },
    { name: "c", kind: "integer", help: `how many keys to write at a time (default: ${CONCURRENCY})` },
  ],
  style: "keys",
  sync: true,
  run: async (call) => {
    const file = call.flags.text("snap");
    if (call.words.length > 1) throw argumentError("one key at most; a file is named by --file");
    const concurrency = call.flags.integer("c") ?? CONCURRENCY;
    if (concurrency < 1) throw argumentError("-c must be at least 1");
    if (file !== undefined) return importDump(call, file, concurrency);

    // All lines are read before the first is written, so that a broken file changes nothing.
    const entries = await readEntries(call.flags.text("file") ?? "-", call.printer);
    let count = 0;
    try {
      await write(call, entries, concurrency, () => count++);
    } finally {
      call.printer.error(`imported ${count} of ${entries.length} keys`);
    }
    return ExitCode.Success;
  },
};

async function importDump(call: Call, file: string, concurrency: number): Promise<ExitCode> {
  const { printer, flags } = call;
  const text = readDump(file);
  if (text === null) {
    // On standard output, as etcdctl.
    printer.line(`cannot read snapshot file ${file}`);
    return ExitCode.Failed;
  }
  const entries = parseDump(text, { hidden: flags.texts("hidden"), nowMs: Date.now() });
  printer.line(`starting to import snapshot ${basename(file)} with ${concurrency} clients`);
  const total = entries.filter(({ value }) => value !== null).length;
  let count = 0;
  const onWritten = ({ value }: Entry): void => {
    if (value !== null) count++;
  };
  try {
    await write(call, entries, concurrency, onWritten);
  } catch (error) {
    printer.error(`imported ${count} of ${total} keys`);
    throw error;
  }
  printer.line(`finished importing ${count} keys`);
  return ExitCode.Success;
}

function readDump(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

async function write(
  { words, printer, connect }: Call,
  entries: readonly Entry[],
  concurrency: number,
  onWritten: (entry: Entry) => void,
): Promise<void> {
  const progress = new Progress(printer);
  let writtenCount = 0;
  await using session = await connect();
  try {
    await writeEntries(session.client, entries, {
      root: (words[0] ?? "/").replace(/\/+$/, ""),
      concurrency,
      onWritten: (entry) => {
        onWritten(entry);
        progress.show(`${++writtenCount} of ${entries.length} ...`);
      },
    });
  } finally {
    progress.end();
  }
}
