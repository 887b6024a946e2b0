import { EMPTY_HARD_STATE } from "@kv/raft";
import { describe, expect, test } from "vitest";
import { Decoder } from "./decoder.ts";
import {
  BEGINNING,
  createLog,
  entriesOf,
  entryOf,
  FIRST_SEGMENT_NAME,
  METADATA,
  optionsOn,
  reopen,
  segmentNames,
  stateOf,
  WAL_DIR,
} from "./log.test.support.ts";
import { SimulatedDisk } from "./simulated-disk.test.support.ts";
import { Wal } from "./wal.ts";

describe("creating", () => {
  test("writes the bytes real 2.3.8 writes (disk-format.md §12)", async () => {
    const disk = new SimulatedDisk();

    await createLog(disk);

    expect(disk.content(`${WAL_DIR}/${FIRST_SEGMENT_NAME}`).toString("hex")).toBe(
      "040000000000000008041000" +
        "1e00000000000000080110d380e67d1a1508eb85859d91bd86b983011095f981a7e8ba82c85e" +
        "0e00000000000000080510918da588041a0408001000",
    );
  });

  test("is all or nothing in a crash, and can be repeated after one", async () => {
    const disk = new SimulatedDisk();
    disk.beforeOperation = (operation) => {
      if (operation === "rename") throw new Error("power lost");
    };
    await expect(createLog(disk)).rejects.toMatchObject({ code: "E_FAILED" });

    const after = disk.crash({ keptShare: 1, isSizeKept: true, areNamesKept: true });

    expect(await Wal.exists(WAL_DIR, after)).toBe(false);
    await (await createLog(after)).close();
    expect(await Wal.exists(WAL_DIR, after)).toBe(true);
  });

  test("is not kept from a directory that holds only a lock", async () => {
    const disk = new SimulatedDisk();
    disk.overwrite(`${WAL_DIR}/.kv.lock`, Buffer.from("1"));

    await (await createLog(disk)).close();
  });

  test("refuses a directory that has a log", async () => {
    const disk = new SimulatedDisk();
    await (await createLog(disk)).close();

    await expect(createLog(disk)).rejects.toMatchObject({ code: "E_EXISTS" });
  });
});

describe("saving", () => {
  test("a batch is one write and one sync", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    disk.writes.length = 0;
    disk.datasyncCount = 0;

    await wal.save(stateOf(100), entriesOf(1, 100), true);

    expect(disk.writes.length).toBe(1);
    expect(disk.datasyncCount).toBe(1);
  });

  test("without sync nothing is synced, and the time of a sync is reported", async () => {
    const disk = new SimulatedDisk();
    const durations: number[] = [];
    const wal = await createLog(disk, { onFsync: (durationMs) => durations.push(durationMs) });
    disk.datasyncCount = 0;

    await wal.save(null, [entryOf(1)], false);
    expect(disk.datasyncCount).toBe(0);
    await wal.save(stateOf(1), [], true);

    expect(disk.datasyncCount).toBe(1);
    expect(durations).toEqual([expect.any(Number)]);
  });

  test("what is saved is read again: entries, empty data and no data, the last state", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    const entries = [
      { ...entryOf(1), data: null },
      { ...entryOf(2), data: new Uint8Array() },
      entryOf(3, 1, 300_000),
    ];
    await wal.save(stateOf(0), entries, true);
    await wal.save(stateOf(3), [], false);
    await wal.save(EMPTY_HARD_STATE, [], true);
    await wal.close();

    const again = await Wal.open(WAL_DIR, { ...optionsOn(disk), at: BEGINNING });
    const content = await again.readAll();

    expect(content).toEqual({ metadata: METADATA, hardState: stateOf(3), entries });
  });

  test("a later write of an index wins and drops what was behind it", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(2), entriesOf(1, 6), true);
    await wal.save(stateOf(4, 2), entriesOf(3, 4, 2), true);
    expect(wal.lastIndex).toBe(4);
    await wal.close();

    const { entries, hardState } = await reopen(disk);

    expect(entries).toEqual([...entriesOf(1, 2), ...entriesOf(3, 4, 2)]);
    expect(hardState).toEqual(stateOf(4, 2));
  });

  test.each([
    ["a gap", stateOf(2), [entryOf(4)]],
    ["a gap inside", stateOf(2), [entryOf(3), entryOf(5)]],
    ["replacing what is committed", stateOf(2), [entryOf(2)]],
    ["a term that goes back", stateOf(2, 0.5), []],
    ["a second vote in a term", { ...stateOf(2), vote: METADATA.nodeId }, []],
    ["committing what is not there", stateOf(4), [entryOf(3)]],
  ])("refuses %s and stays usable", async (_, hardState, entries) => {
    const wal = await createLog(new SimulatedDisk());
    await wal.save(stateOf(2), entriesOf(1, 2), true);

    await expect(wal.save(hardState, entries, true)).rejects.toMatchObject({ code: "E_ASSERT" });

    await wal.save(stateOf(3), [entryOf(3)], true);
  });

  test("at most one save is in flight; a snapshot record waits for it", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);

    const first = wal.save(stateOf(1), [entryOf(1)], true);
    const record = wal.saveSnapshotRecord({ index: 1, term: 1 });
    await expect(wal.save(null, [entryOf(2)], true)).rejects.toMatchObject({ code: "E_ASSERT" });
    await Promise.all([first, record]);
    await wal.save(null, [entryOf(2)], true);
    await wal.close();

    expect((await reopen(disk, { index: 1, term: 1 })).entries).toEqual([entryOf(2)]);
  });

  test("before reading is refused, and so is reading twice", async () => {
    const disk = new SimulatedDisk();
    await (await createLog(disk)).close();
    const wal = await Wal.open(WAL_DIR, { ...optionsOn(disk), at: BEGINNING });

    await expect(wal.save(null, [entryOf(1)], true)).rejects.toMatchObject({ code: "E_ASSERT" });
    await wal.readAll();
    await expect(wal.readAll()).rejects.toMatchObject({ code: "E_ASSERT" });
  });
});

describe("segments", () => {
  test("a new one is begun when the size is reached, and a save is never split", async () => {
    const disk = new SimulatedDisk();
    await (await threeSegments(disk)).close();

    expect(segmentNames(disk)).toEqual([
      FIRST_SEGMENT_NAME,
      "0000000000000001-000000000000000b.wal",
      "0000000000000002-0000000000000015.wal",
    ]);
    const { entries, hardState } = await reopen(disk);
    expect(entries).toEqual([...entriesOf(1, 20, 1, 100), entryOf(21)]);
    expect(hardState).toEqual(stateOf(20));
  });

  test("a log is continued in its last segment with the running crc", async () => {
    const disk = new SimulatedDisk();
    await (await threeSegments(disk)).close();
    const { wal } = await reopen(disk);
    await wal.save(stateOf(22), [entryOf(22)], true);
    await wal.close();

    const { entries } = await reopen(disk);

    expect(entries.length).toBe(22);
    expect(segmentNames(disk).length).toBe(3);
  });

  test("only released ones are purged, oldest first, down to the number to keep", async () => {
    const disk = new SimulatedDisk();
    const wal = await threeSegments(disk);

    expect(await wal.purge({ maxSegments: 1 })).toEqual([]);
    await wal.release(11);
    expect(await wal.purge({ maxSegments: 1 })).toEqual([]); // 2.3.8 keeps one segment more than needed
    await wal.release(20);
    expect(await wal.purge({ maxSegments: 0 })).toEqual([]);
    expect(await wal.purge({ maxSegments: 3 })).toEqual([]);
    expect(await wal.purge({ maxSegments: 1 })).toEqual([FIRST_SEGMENT_NAME]);

    expect(segmentNames(disk)).toEqual([
      "0000000000000001-000000000000000b.wal",
      "0000000000000002-0000000000000015.wal",
    ]);
  });

  test("those before the one a server starts from are released when the log is opened", async () => {
    const disk = new SimulatedDisk();
    const first = await threeSegments(disk);
    await first.saveSnapshotRecord({ index: 21, term: 1 });
    await first.close();

    const { wal, entries } = await reopen(disk, { index: 21, term: 1 });

    expect(entries).toEqual([]);
    expect((await wal.purge({ maxSegments: 1 })).length).toBe(2);
    await wal.save(stateOf(22), [entryOf(22)], true);
    await wal.close();
    expect((await reopen(disk, { index: 21, term: 1 })).entries).toEqual([entryOf(22)]);
  });

  test("a missing one in the middle is refused", async () => {
    const disk = new SimulatedDisk();
    await (await threeSegments(disk)).close();
    disk.files.delete(`${WAL_DIR}/0000000000000001-000000000000000b.wal`);

    await expect(reopen(disk)).rejects.toMatchObject({ code: "E_GAP" });
  });

  test("one that ends early is refused unless it is the last", async () => {
    const disk = new SimulatedDisk();
    await (await threeSegments(disk)).close();
    const name = "0000000000000001-000000000000000b.wal";
    const bytes = disk.content(`${WAL_DIR}/${name}`);

    disk.overwrite(`${WAL_DIR}/${name}`, bytes.subarray(0, bytes.length - 5));
    await expect(reopen(disk)).rejects.toMatchObject({ code: "E_TORN", at: { segment: name } });

    // Cut at the border of a frame, only the crc that opens the next segment tells.
    const decoder = new Decoder(bytes, null);
    let lastFrame = 0;
    while (decoder.next()) lastFrame = decoder.offset;
    disk.overwrite(`${WAL_DIR}/${name}`, bytes.subarray(0, lastFrame));
    const at = { segment: "0000000000000002-0000000000000015.wal", offset: 0 };
    await expect(reopen(disk)).rejects.toMatchObject({ code: "E_CRC", at });
  });

  test("an empty last one, as 2.0.0 may leave it, gets its opening records", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(2), entriesOf(1, 2), true);
    await wal.close();
    disk.overwrite(`${WAL_DIR}/0000000000000001-0000000000000003.wal`, new Uint8Array());

    const { wal: again } = await reopen(disk);
    await again.save(stateOf(3), [entryOf(3)], true);
    await again.close();

    expect((await reopen(disk)).entries).toEqual(entriesOf(1, 3));
  });
});

describe("opening", () => {
  test("needs the record of the snapshot", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(5), entriesOf(1, 5), true);
    await wal.saveSnapshotRecord({ index: 5, term: 1 });
    await wal.close();

    await expect(reopen(disk, { index: 4, term: 1 })).rejects.toMatchObject({ code: "E_NO_SNAPSHOT" });
    await expect(reopen(disk, { index: 5, term: 2 })).rejects.toMatchObject({ code: "E_SNAPSHOT_MISMATCH" });
    expect((await reopen(disk, { index: 5, term: 1 })).entries).toEqual([]);
  });

  test("at a received snapshot ahead of the log needs no entries before it", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(2), entriesOf(1, 2), true);
    await wal.saveSnapshotRecord({ index: 50, term: 3 });
    await wal.save(stateOf(51, 3), [entryOf(51, 3)], true);
    await wal.close();

    expect((await reopen(disk, { index: 50, term: 3 })).entries).toEqual([entryOf(51, 3)]);
    await expect(reopen(disk)).rejects.toMatchObject({ code: "E_GAP", at: { segment: FIRST_SEGMENT_NAME } });
  });

  test("after a crash between a received snapshot and the state behind it, the snapshot counts as committed", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(2), entriesOf(1, 2), true);
    await wal.saveSnapshotRecord({ index: 50, term: 3 });
    await wal.close();

    const { hardState } = await reopen(disk, { index: 50, term: 3 });

    expect(hardState).toEqual({ term: 3, vote: "0", commit: 50 });
  });

  test("refuses a directory without a log", async () => {
    const disk = new SimulatedDisk();
    await expect(Wal.open(WAL_DIR, { ...optionsOn(disk), at: BEGINNING })).rejects.toMatchObject({
      code: "E_NO_SEGMENT",
    });
    await disk.makeDirectory(WAL_DIR);
    await expect(Wal.open(WAL_DIR, { ...optionsOn(disk), at: BEGINNING })).rejects.toMatchObject({
      code: "E_NO_SEGMENT",
    });
  });
});

describe("closing", () => {
  test("waits for what is in flight, syncs what was not, refuses what comes later", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(1), [entryOf(1)], false);
    const saving = wal.save(stateOf(2), [entryOf(2)], false);

    await Promise.all([wal.close(), wal.close(), saving]);

    await expect(wal.save(null, [entryOf(3)], true)).rejects.toMatchObject({ code: "E_CLOSED" });
    const after = disk.crash({ keptShare: 0, isSizeKept: false, areNamesKept: false });
    expect((await reopen(after)).entries).toEqual(entriesOf(1, 2));
  });
});

async function threeSegments(disk: SimulatedDisk): Promise<Wal> {
  const wal = await createLog(disk, { segmentSizeBytes: 1000 });
  await wal.save(stateOf(9), entriesOf(1, 10, 1, 100), true);
  await wal.save(stateOf(19), entriesOf(11, 20, 1, 100), true);
  await wal.save(stateOf(20), [entryOf(21)], true);
  return wal;
}
