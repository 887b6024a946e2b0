// Logs that no raft writes, put together record by record: each rule of a writer is checked on reading.

import type { NodeId } from "@kv/raft";
import { expect, test } from "vitest";
import { Encoder } from "./encoder.ts";
import {
  BEGINNING,
  entryOf,
  FIRST_SEGMENT_NAME,
  METADATA,
  reopen,
  stateOf,
  WAL_DIR,
} from "./log.test.support.ts";
import { encodeMetadata } from "./record.ts";
import { SimulatedDisk } from "./simulated-disk.test.support.ts";

/** A disk with one segment: the usual opening, then what `put` adds. */
function diskWith(put: (encoder: Encoder) => void, opening = true): SimulatedDisk {
  const encoder = new Encoder(0);
  if (opening) {
    encoder.putCrc();
    encoder.putMetadata(encodeMetadata(METADATA));
    encoder.putSnapshotPosition(BEGINNING);
  }
  put(encoder);
  const disk = new SimulatedDisk();
  disk.overwrite(`${WAL_DIR}/${FIRST_SEGMENT_NAME}`, encoder.take());
  return disk;
}

test.each<[string, string, (encoder: Encoder) => void]>([
  ["a term that goes back", "E_DAMAGED", (e) => [stateOf(0, 3), stateOf(0, 2)].forEach((s) => e.putState(s))],
  [
    "a hard state without a term",
    "E_DAMAGED",
    (e) => e.putState({ term: 0, vote: "1" as NodeId, commit: 0 }),
  ],
  ["an entry without a term", "E_DAMAGED", (e) => e.putEntry(entryOf(1, 0))],
  [
    "entries whose terms go back",
    "E_DAMAGED",
    (e) => [entryOf(1, 2), entryOf(2, 1)].forEach((s) => e.putEntry(s)),
  ],
  [
    "a membership change that is empty",
    "E_DAMAGED",
    (e) => e.putEntry({ ...entryOf(1), type: 1, data: null }),
  ],
  ["a missing entry", "E_GAP", (e) => [entryOf(1), entryOf(3)].forEach((s) => e.putEntry(s))],
  ["a missing first entry", "E_GAP", (e) => e.putEntry(entryOf(2))],
  ["a commit index beyond the entries", "E_COMMIT", (e) => e.putState(stateOf(1))],
  ["a second opening", "E_DAMAGED", (e) => e.putCrc()],
  ["metadata in the middle", "E_DAMAGED", (e) => e.putMetadata(encodeMetadata(METADATA))],
  ["a snapshot of another term", "E_SNAPSHOT_MISMATCH", (e) => e.putSnapshotPosition({ index: 0, term: 1 })],
  [
    "an entry that replaces a committed one",
    "E_GAP",
    (e) => {
      e.putEntry(entryOf(1));
      e.putState(stateOf(1));
      e.putState(stateOf(1, 2));
      e.putEntry(entryOf(1, 2));
    },
  ],
])("%s is refused with %s", async (_, code, put) => {
  await expect(reopen(diskWith(put))).rejects.toMatchObject({ code });
});

test("2.0 writes the state before the entries that it commits, also when they replace others", async () => {
  const disk = diskWith((encoder) => {
    encoder.putState(stateOf(0));
    encoder.putEntry(entryOf(1));
    encoder.putEntry(entryOf(2));
    encoder.putState(stateOf(2, 2));
    encoder.putEntry(entryOf(2, 2));
  });

  const { entries, hardState } = await reopen(disk);

  expect(entries).toEqual([entryOf(1), entryOf(2, 2)]);
  expect(hardState).toEqual(stateOf(2, 2));
});

test("segments of two logs are refused", async () => {
  const disk = diskWith((encoder) => encoder.putEntry(entryOf(1)));
  const first = new Encoder(0);
  first.putMetadata(encodeMetadata(METADATA));
  first.putSnapshotPosition(BEGINNING);
  first.putEntry(entryOf(1));
  const second = new Encoder(first.crc);
  second.putCrc();
  second.putMetadata(encodeMetadata({ ...METADATA, nodeId: "1" as NodeId }));
  const name = "0000000000000001-0000000000000002.wal";
  disk.overwrite(`${WAL_DIR}/${name}`, second.take());

  await expect(reopen(disk)).rejects.toMatchObject({ code: "E_METADATA", at: { segment: name, offset: 16 } });
});

test("a log without metadata is refused", async () => {
  const disk = diskWith((encoder) => encoder.putCrc(), false);

  await expect(reopen(disk)).rejects.toMatchObject({ code: "E_NO_SNAPSHOT" });
});
