// The README's example is a copy of the lines between the markers below, and they run here. The consumer
// project (scripts/test-consumer.mjs) runs it with its imports.

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { EMPTY_CONF_STATE, EntryType, parseNodeId } from "@kv/raft";
import { expect, test } from "vitest";
import { nodeFileSystem, Wal } from "./index.ts";
import { Snapshotter } from "./snap/index.ts";

test("the example runs", async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "kv-readme-"));
  const printed: unknown[] = [];
  const console = { log: (...values: unknown[]) => void printed.push(...values) };

  // example
  const [nodeId, clusterId] = [parseNodeId("a"), parseNodeId("c")];
  const confState = { ...EMPTY_CONF_STATE, voters: [nodeId] };
  const options = { fileSystem: nodeFileSystem };
  const wal = await Wal.create(`${dir}/wal`, { ...options, metadata: { nodeId, clusterId } });

  const entry = { type: EntryType.Normal, term: 1, index: 1, data: Buffer.from("x") };
  await wal.save({ term: 1, vote: nodeId, commit: 1 }, [entry], true); // on the disk when this resolves

  const snapshots = new Snapshotter(`${dir}/snap`, options);
  await wal.saveSnapshotRecord({ index: 1, term: 1 }); // the record first, then the file
  await snapshots.save({ index: 1, term: 1, confState }, Buffer.from("{}"));
  await wal.release(1); // from here on older segments may go
  await wal.purge({ maxSegments: 5 });
  await wal.close();

  // After a restart: the newest good snapshot, and everything behind it.
  const { meta } = (await snapshots.load())!;
  await using log = await Wal.open(`${dir}/wal`, { ...options, at: meta });
  const { hardState, entries } = await log.readAll();
  console.log(meta.index, hardState, entries);
  // end

  expect(printed).toEqual([1, { term: 1, vote: nodeId, commit: 1 }, []]);
  const source = fs.readFileSync(import.meta.filename, "utf8");
  const example = /\/\/ example\n([^]*?)\n {2}\/\/ end/.exec(source)![1]!.replaceAll(/^ {2}/gm, "");
  const readme = fs.readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");
  expect(readme).toContain(example);
  fs.rmSync(dir, { recursive: true });
});
