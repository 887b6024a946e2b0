// Every recorded data directory (etcd 2.0.0, 2.0.13, 2.3.8, 3.4.23): read, compared with its dump,
// written again.

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { decodeConfChange, encodeEntry } from "@kv/raft/codec";
import { EntryType } from "@kv/raft";
import type { Entry } from "@kv/raft";
import { describe, expect, test } from "vitest";
import { Decoder } from "./decoder.ts";
import { RECORDED_MEMBERS, readDump, unpackFixture } from "./disk-fixtures.test.support.ts";
import type { DumpedRecord, RecordedMember } from "./disk-fixtures.test.support.ts";
import { Encoder, LENGTH_FIELD_BYTES } from "./encoder.ts";
import { nodeFileSystem } from "./file-system.ts";
import { readLog } from "./log-reader.ts";
import {
  decodeEntryRecord,
  decodeMetadata,
  decodeSnapshotPosition,
  decodeStateRecord,
  RecordType,
} from "./record.ts";
import { Snapshotter } from "./snap/snapshotter.ts";
import { Wal } from "./wal.ts";

const TYPE_NAMES = { 1: "metadata", 2: "entry", 3: "state", 4: "crc", 5: "snapshot" } as const;
const ENTRY_TYPE_NAMES = { 0: "EntryNormal", 1: "EntryConfChange", 2: "EntryConfChangeV2" } as const;
// Three of the recordings hold segments of 64 MB, which a busy machine takes its time to unpack.
const LARGE_LOG = { timeout: 60_000 };
const OPTIONS = { fileSystem: nodeFileSystem };

describe.each(RECORDED_MEMBERS)("$name", (member) => {
  test("each record is what the dump says, and is written again as the same bytes", LARGE_LOG, () => {
    using unpacked = unpackFixture(member.fixture);

    for (const segment of readDump(member)) {
      const bytes = fs.readFileSync(path.join(unpacked.dataDir, member.wal, segment.file));
      const decoder = new Decoder(bytes, null);
      let encoder = new Encoder(0);
      const good = segment.records.filter(isGood);
      for (const record of good) {
        expect(decoder.next()).toBe(true);
        expect(describeRecord(decoder, record.offset)).toEqual(expectedRecord(record));
        // The crc that the segment before has reached is known to its opening record only.
        if (decoder.type === RecordType.Crc) encoder = new Encoder(decoder.crc);
        const frame = bytes.subarray(record.offset, record.offset + LENGTH_FIELD_BYTES + record.length);
        frame[LENGTH_FIELD_BYTES - 1] = 0; // where 3.x counts its padding
        expect(Buffer.compare(rewrite(decoder, encoder), frame)).toBe(0);
      }
      expect(decoder.next()).toBe(false);
      expect(decoder.offset).toBe(endOf(good));
    }
  });

  test("a server can start from it and go on, or is told where the damage is", LARGE_LOG, async () => {
    using unpacked = unpackFixture(member.fixture);
    const walDir = path.join(unpacked.dataDir, member.wal);
    const last = readDump(member).at(-1)!;
    const snapshot = await new Snapshotter(path.join(unpacked.dataDir, member.snap), OPTIONS).load();
    const at = { index: snapshot?.meta.index ?? 0, term: snapshot?.meta.term ?? 0 };
    await using wal = await Wal.open(walDir, { ...OPTIONS, at });

    const bad = last.records.find((record) => record.crcOK === false);
    if (bad !== undefined) {
      const position = { segment: last.file, offset: bad.offset };
      await expect(wal.readAll()).rejects.toMatchObject({ code: "E_CRC", at: position });
      expect(fs.readdirSync(walDir)).not.toContain(`${last.file}.broken`);
      return;
    }
    const content = await wal.readAll();
    expect(content.entries[0]?.index).toBe(at.index + 1);
    const newest = newestRecord(member, "entry");
    expect(content.entries.at(-1)).toMatchObject({ index: newest["Index"], term: newest["Term"] });
    expect(content.hardState).toEqual(newestRecord(member, "state"));
    const { end } = last.records.at(-1)!;
    // 2.3.8 refuses v238-zero-tail; nothing is lost by taking its zeros for a write that did not arrive.
    const isTorn = end === "torn-body" || (end === "zero-length" && last.records[0]!.pad === 0);
    expect(fs.existsSync(path.join(walDir, `${last.file}.broken`))).toBe(isTorn);

    const index = wal.lastIndex + 1;
    const { term } = content.hardState;
    const entry = { type: EntryType.Normal, term, index, data: Buffer.from("appended") };
    const hardState = { ...content.hardState, commit: index };
    await wal.save(hardState, [entry], true);
    await wal.close();
    const again = await readLog(walDir, { ...OPTIONS, at });
    expect(again.hardState).toEqual(hardState);
    expect(digest(again.entries)).toBe(digest([...content.entries, entry]));
  });
});

test(
  "the segment after one of 3.4.23 is begun by us and has no padding, so that 2.x can read on",
  LARGE_LOG,
  async () => {
    using unpacked = unpackFixture("v3423-mixed-v3");
    const walDir = path.join(unpacked.dataDir, "member/wal");

    await using wal = await Wal.open(walDir, { ...OPTIONS, at: { index: 0, term: 0 } });
    const { entries } = await wal.readAll();

    const segments = fs.readdirSync(walDir).filter((name) => name.endsWith(".wal"));
    expect(segments).toEqual([
      "0000000000000000-0000000000000000.wal",
      "0000000000000001-000000000000001a.wal",
    ]);
    expect(entries.length).toBe(0x19);
    const decoder = new Decoder(fs.readFileSync(path.join(walDir, segments[1]!)), null);
    while (decoder.next());
    expect(decoder.stop).toBe("end");
    expect(decoder.hasPadding).toBe(false);
  },
);

test("of v238-corrupt-snap the broken snapshot is put aside and the one before is used", async () => {
  using unpacked = unpackFixture("v238-corrupt-snap");
  const snapDir = path.join(unpacked.dataDir, "member/snap");

  const snapshot = await new Snapshotter(snapDir, OPTIONS).load();

  expect(snapshot?.meta).toMatchObject({
    index: 0x38d,
    term: 2,
    confState: { voters: ["b41f9ede9a3a4442"] },
  });
  expect(fs.readdirSync(snapDir)).toContain("0000000000000002-00000000000003f2.snap.broken");
});

/** The current record in the words of the dump, as far as this package knows its inside. */
function describeRecord(decoder: Decoder, offset: number): { type: string; crc: string; value: unknown } {
  expect(decoder.offset).toBe(offset);
  const common = { type: TYPE_NAMES[decoder.type], crc: decoder.crc.toString(16).padStart(8, "0") };
  const data = decoder.data();
  if (decoder.type === RecordType.Crc) return { ...common, value: undefined };
  if (decoder.type === RecordType.State) return { ...common, value: decodeStateRecord(data) };
  if (decoder.type === RecordType.Snapshot) return { ...common, value: decodeSnapshotPosition(data) };
  if (decoder.type === RecordType.Metadata) {
    const metadata = decodeMetadata(data)!;
    return { ...common, value: { NodeID: metadata.nodeId, ClusterID: metadata.clusterId } };
  }
  const entry = decodeEntryRecord(data)!;
  const value = { Type: ENTRY_TYPE_NAMES[entry.type], Term: entry.term, Index: entry.index };
  if (entry.type === EntryType.ConfChange) {
    return { ...common, value: { ...value, NodeID: decodeConfChange(entry.data!).nodeId } };
  }
  const isEmpty = entry.data === null || entry.data.length === 0;
  return { ...common, value: isEmpty ? { ...value, Data: entry.data === null ? null : "" } : value };
}

function expectedRecord(record: DumpedRecord): unknown {
  const { type, crc, value } = record;
  if (type !== "entry" || value === undefined) return { type, crc, value };
  const { Type, Term, Index, Data, ConfChange } = value;
  const common = { Type, Term, Index };
  if (typeof ConfChange === "object" && ConfChange !== null && "NodeID" in ConfChange) {
    return { type, crc, value: { ...common, NodeID: ConfChange.NodeID } };
  }
  return { type, crc, value: Data === null || Data === "" ? { ...common, Data } : common };
}

/** Encodes the values of the current record anew. */
function rewrite(decoder: Decoder, encoder: Encoder): Uint8Array {
  const data = decoder.data();
  switch (decoder.type) {
    case RecordType.Crc:
      encoder.putCrc();
      break;
    case RecordType.Metadata:
      encoder.putMetadata(data);
      break;
    case RecordType.Entry:
      encoder.putEntry(decodeEntryRecord(data)!);
      break;
    case RecordType.State:
      encoder.putState(decodeStateRecord(data)!);
      break;
    case RecordType.Snapshot:
      encoder.putSnapshotPosition(decodeSnapshotPosition(data)!);
      break;
  }
  return Buffer.from(encoder.take());
}

/** The dump ends with the reason why it does, or with the first bad record. */
function isGood(record: DumpedRecord): boolean {
  return record.crcOK !== false && record.end === undefined;
}

/** Stands for entries that are too large to be compared one byte after the other by the test runner. */
function digest(entries: readonly Entry[]): string {
  const hash = createHash("sha1");
  for (const entry of entries) hash.update(encodeEntry(entry));
  return `${entries.length} ${hash.digest("hex")}`;
}

function endOf(records: readonly DumpedRecord[]): number {
  const last = records.at(-1)!;
  return last.offset + LENGTH_FIELD_BYTES + last.length + last.pad;
}

function newestRecord(member: RecordedMember, type: DumpedRecord["type"]): Readonly<Record<string, unknown>> {
  const records = readDump(member).flatMap((segment) => segment.records);
  return records.findLast((record) => record.type === type)!.value!;
}
