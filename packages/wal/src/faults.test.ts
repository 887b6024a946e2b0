// What happens when the disk fails, fills up, or forgets what was not synced.

import type { Entry } from "@kv/raft";
import {
  array,
  assert as checkProperty,
  asyncProperty,
  boolean,
  double,
  integer,
  nat,
  record,
} from "fast-check";
import { describe, expect, test } from "vitest";
import type { WalError } from "./errors.ts";
import {
  createLog,
  entriesOf,
  entryOf,
  FIRST_SEGMENT_NAME,
  reopen,
  stateOf,
  WAL_DIR,
} from "./log.test.support.ts";
import { SimulatedDisk, systemError } from "./simulated-disk.test.support.ts";
import type { DiskOperation } from "./simulated-disk.test.support.ts";

/** Makes one kind of operation fail from now on. */
function breakDisk(disk: SimulatedDisk, broken: DiskOperation, code = "EIO"): void {
  disk.beforeOperation = (operation, file) => {
    if (operation === broken) throw systemError(code, file);
  };
}

async function failureOf(promise: Promise<unknown>): Promise<WalError> {
  const outcome = await promise.then(
    () => null,
    (error: WalError) => error,
  );
  expect(outcome).not.toBeNull();
  return outcome!;
}

describe("a log whose disk fails", () => {
  test.each([
    { broken: "write", code: "EIO" },
    { broken: "write", code: "ENOSPC" },
    { broken: "datasync", code: "EIO" },
  ] as const)(
    "on $broken with $code is failed for good, even when the disk recovers",
    async ({ broken, code }) => {
      const disk = new SimulatedDisk();
      const wal = await createLog(disk);
      await wal.save(stateOf(1), [entryOf(1)], true);
      breakDisk(disk, broken, code);

      const failure = await failureOf(wal.save(stateOf(2), [entryOf(2)], true));

      expect(failure).toMatchObject({ code: "E_FAILED", cause: { code } });
      disk.beforeOperation = () => {};
      const { datasyncCount } = disk;
      const writeCount = disk.writes.length;
      expect(await failureOf(wal.save(null, [entryOf(2)], true))).toBe(failure);
      expect(await failureOf(wal.saveSnapshotRecord({ index: 1, term: 1 }))).toBe(failure);
      expect(await failureOf(wal.release(1))).toBe(failure);
      expect(await failureOf(wal.purge({ maxSegments: 1 }))).toBe(failure);
      await wal.close();
      // A sync that failed is not asked for again: the kernel would say yes and mean nothing by it.
      expect(disk.datasyncCount).toBe(datasyncCount);
      expect(disk.writes.length).toBe(writeCount);
    },
  );

  test("a write that was cut short is a failure, and what it left is a torn tail", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(1), [entryOf(1)], true);
    disk.acceptedBytes = (length) => length - 10;

    const failure = await failureOf(wal.save(stateOf(3), entriesOf(2, 3), true));

    expect(failure.code).toBe("E_FAILED");
    disk.acceptedBytes = (length) => length;
    const { entries, hardState } = await reopen(disk);
    expect(entries).toEqual(entriesOf(1, 3));
    expect(hardState).toEqual(stateOf(1));
    expect(disk.files.has(`${WAL_DIR}/${FIRST_SEGMENT_NAME}.broken`)).toBe(true);
  });

  test("what waits behind a failing save fails with it", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    breakDisk(disk, "datasync");

    const saving = failureOf(wal.save(stateOf(1), [entryOf(1)], true));
    const recording = failureOf(wal.saveSnapshotRecord({ index: 1, term: 1 }));

    expect(await recording).toBe(await saving);
  });

  test.each(["datasync", "open", "write", "rename", "syncDirectory"] as const)(
    "on %s while a segment is begun keeps what was saved",
    async (broken) => {
      const disk = new SimulatedDisk();
      const wal = await createLog(disk, { segmentSizeBytes: 400 });
      await wal.save(stateOf(1), entriesOf(1, 2), true);
      let operations = 0;
      disk.beforeOperation = (operation, file) => {
        // The save itself writes and syncs once; the cut comes after it.
        if (operation === broken && (operations++ > 0 || (broken !== "write" && broken !== "datasync"))) {
          throw systemError("EIO", file);
        }
      };

      const failure = await failureOf(wal.save(stateOf(5), entriesOf(3, 5, 1, 100), true));

      expect(failure.code).toBe("E_FAILED");
      const after = disk.crash({ keptShare: 0, isSizeKept: false, areNamesKept: false });
      expect((await reopen(after)).entries).toEqual([...entriesOf(1, 2), ...entriesOf(3, 5, 1, 100)]);
    },
  );

  test("while a torn tail is repaired leaves the segment as it was", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk);
    await wal.save(stateOf(2), entriesOf(1, 2), true);
    await wal.close();
    const segment = `${WAL_DIR}/${FIRST_SEGMENT_NAME}`;
    const torn = disk.content(segment).subarray(0, -3);
    disk.overwrite(segment, torn);
    breakDisk(disk, "write", "ENOSPC");

    expect((await failureOf(reopen(disk))).code).toBe("E_FAILED");

    expect(disk.content(segment)).toEqual(torn);
    disk.beforeOperation = () => {};
    expect((await reopen(disk)).entries).toEqual(entriesOf(1, 2));
  });

  test("on reading says so and changes nothing", async () => {
    const disk = new SimulatedDisk();
    await (await createLog(disk)).close();
    breakDisk(disk, "read");

    expect((await failureOf(reopen(disk))).code).toBe("E_IO");
  });

  test("on removing an old segment stays usable", async () => {
    const disk = new SimulatedDisk();
    const wal = await createLog(disk, { segmentSizeBytes: 100 });
    await wal.save(stateOf(5), entriesOf(1, 5), true);
    await wal.save(stateOf(9), entriesOf(6, 9), true);
    await wal.release(9);
    breakDisk(disk, "remove");

    await expect(wal.purge({ maxSegments: 1 })).rejects.toMatchObject({ code: "E_IO" });

    disk.beforeOperation = () => {};
    await wal.save(stateOf(10), [entryOf(10)], true);
    expect(await wal.purge({ maxSegments: 2 })).toEqual([FIRST_SEGMENT_NAME]);
  });
});

describe("a loss of power", () => {
  test("never takes a synced save away, whatever it leaves of the others", async () => {
    const batch = record({
      sizes: array(integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 4 }),
      sync: boolean(),
      overwrites: nat(3),
    });
    const crash = record({
      keptShare: double({ min: 0, max: 1, noNaN: true }),
      isSizeKept: boolean(),
      areNamesKept: boolean(),
    });
    await checkProperty(
      asyncProperty(array(batch, { minLength: 1, maxLength: 12 }), crash, async (batches, kept) => {
        const disk = new SimulatedDisk();
        const wal = await createLog(disk, { segmentSizeBytes: 1500 });
        let log: Entry[] = [];
        let synced: Entry[] = [];
        let commit = 0;
        const states: Entry[][] = [[]];
        for (const [term, { sizes, sync, overwrites }] of batches.entries()) {
          const from = Math.max(commit + 1, log.length + 1 - overwrites);
          const entries = sizes.map((sizeBytes, i) => entryOf(from + i, term + 1, sizeBytes));
          if (sync) commit = from - 1;
          await wal.save(stateOf(commit, term + 1), entries, sync);
          // Each prefix of a save is a state a crash may leave.
          for (let i = 1; i <= entries.length; i++)
            states.push([...log.slice(0, from - 1), ...entries.slice(0, i)]);
          log = states.at(-1)!;
          if (sync) synced = log;
        }

        const found = await reopen(disk.crash(kept));

        const match = states.findLastIndex((state) => sameEntries(state, found.entries));
        expect(match).toBeGreaterThanOrEqual(states.indexOf(synced));
        const next = found.entries.length + 1;
        await found.wal.save(null, [entryOf(next, batches.length + 1)], true);
        await found.wal.close();
      }),
      { numRuns: 200 },
    );
  });
});

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return (
    a.length === b.length && a.every((entry, i) => entry.term === b[i]!.term && entry.index === b[i]!.index)
  );
}
