import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { EntryType } from "@kv/raft";
import { parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { backUp } from "./backup.ts";
import { pathsOf } from "./data-dir.ts";
import { Decoder } from "./decoder.ts";
import { unpackFixture } from "./disk-fixtures.test.support.ts";
import { nodeFileSystem } from "./file-system.ts";
import { readLog } from "./log-reader.ts";
import type { RecordType } from "./record.ts";
import { Snapshotter } from "./snap/snapshotter.ts";
import { Wal } from "./wal.ts";

const FIRST = "0000000000000000-0000000000000000.wal";

/** Bytes 1, 2, 3 and so on. */
function options(): Parameters<typeof backUp>[1] {
  let next = 0;
  return { fileSystem: nodeFileSystem, random: (bytes) => bytes.map(() => ++next) };
}

function temporaryDirectory(): { readonly path: string } & Disposable {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "kv-backup-"));
  return { path: directory, [Symbol.dispose]: () => fs.rmSync(directory, { recursive: true }) };
}

function filesIn(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => fs.statSync(path.join(directory, name)).isFile());
  return Object.fromEntries(
    files.map((name) => [name, fs.readFileSync(path.join(directory, name)).toString("base64")]),
  );
}

function recordTypes(file: string): RecordType[] {
  const decoder = new Decoder(fs.readFileSync(file), 0);
  const types: RecordType[] = [];
  while (decoder.next()) types.push(decoder.type);
  return types;
}

test.each([
  "v238-snapshots",
  "v238-corrupt-snap",
  "v2013-snapshots",
  "v238-basic",
  "v238-torn-body",
  "v3423-mixed-v3",
])(
  "the copy of %s has its snapshot and the log behind it, under other ids",
  { timeout: 60_000 },
  async (fixture) => {
    using unpacked = unpackFixture(fixture);
    using directory = temporaryDirectory();
    const source = pathsOf(unpacked.dataDir);
    const target = pathsOf(directory.path);
    const before = filesIn(unpacked.dataDir);

    const made = await backUp({ source, target }, options());

    expect(filesIn(unpacked.dataDir)).toEqual(before);
    const original = await new Snapshotter(source.snap, options()).load({ readOnly: true });
    const copied = await new Snapshotter(target.snap, options()).load({ readOnly: true });
    expect(copied).toEqual(original);
    const at = original?.meta ?? { index: 0, term: 0 };
    const { hardState, entries } = await readLog(source.wal, { at, fileSystem: nodeFileSystem });
    const copiedLog = await readLog(target.wal, { at, fileSystem: nodeFileSystem });
    expect(copiedLog).toEqual({ metadata: made.metadata, hardState, entries, hasSnapshotRecord: true });
    expect(made).toEqual({
      metadata: { nodeId: parseNodeId("102030405060709"), clusterId: parseNodeId("90a0b0c0d0e0f11") },
      snapshotIndex: at.index,
      entryCount: entries.length,
      commit: hardState.commit,
      lastIndex: at.index + entries.length,
    });
    expect(fs.readdirSync(target.wal)).toEqual([FIRST]);
    expect(fs.statSync(path.join(target.wal, FIRST)).mode & 0o777).toBe(0o600);
    expect(fs.statSync(target.wal).mode & 0o777).toBe(0o700);
    expect(fs.statSync(target.snap).mode & 0o777).toBe(0o700);
  },
);

test("the records stand in the order of etcdctl's backups", async () => {
  using unpacked = unpackFixture("v238-snapshots");
  using directory = temporaryDirectory();
  using recorded = unpackFixture("v238-backup");

  await backUp({ source: pathsOf(unpacked.dataDir), target: pathsOf(directory.path) }, options());

  const types = recordTypes(path.join(directory.path, "member/wal", FIRST));
  expect(types).toEqual(recordTypes(path.join(recorded.dataDir, "member/wal", FIRST)));
});

test("a log that is being written to is copied up to some entry that was saved", async () => {
  using directory = temporaryDirectory();
  const source = pathsOf(path.join(directory.path, "source"));
  const target = pathsOf(path.join(directory.path, "target"));
  const metadata = { nodeId: parseNodeId("a"), clusterId: parseNodeId("c") };
  await using wal = await Wal.create(source.wal, { fileSystem: nodeFileSystem, metadata });
  const save = (index: number) =>
    wal.save(
      { term: 1, vote: parseNodeId("a"), commit: index },
      [{ type: EntryType.Normal, term: 1, index, data: Buffer.alloc(1_000, index) }],
      false,
    );
  await save(1);

  const copying = backUp({ source, target }, options());
  for (let index = 2; index < 300; index++) await save(index);
  const made = await copying;

  expect(made.commit).toBe(made.lastIndex);
  const { entries } = await readLog(target.wal, {
    at: { index: 0, term: 0 },
    fileSystem: nodeFileSystem,
  });
  expect(entries.map((entry) => entry.data?.[0])).toEqual(entries.map((_, i) => (i + 1) % 256));
});

test("nothing is written over, and nothing is written when there is nothing to copy", async () => {
  using unpacked = unpackFixture("v238-basic");
  using directory = temporaryDirectory();
  const source = pathsOf(unpacked.dataDir);
  const target = pathsOf(path.join(directory.path, "copy"));
  await backUp({ source, target }, options());
  const made = filesIn(directory.path);

  await expect(backUp({ source, target }, options())).rejects.toMatchObject({ code: "E_EXISTS" });
  expect(filesIn(directory.path)).toEqual(made);

  const nowhere = pathsOf(path.join(directory.path, "nowhere"));
  const other = pathsOf(path.join(directory.path, "other"));
  await expect(backUp({ source: nowhere, target: other }, options())).rejects.toMatchObject({
    code: "E_NO_SEGMENT",
  });
  expect(fs.existsSync(other.member)).toBe(false);
});
