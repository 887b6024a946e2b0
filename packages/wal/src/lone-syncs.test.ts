import { describe, expect, test } from "vitest";
import { createLog, entriesOf, entryOf, reopen, stateOf } from "./log.test.support.ts";
import { SimulatedDisk } from "./simulated-disk.test.support.ts";
import type { Wal } from "./wal.ts";

/** Enough lone saves for a quick disk to be trusted. */
const MANY = 80;

interface Log {
  readonly disk: SimulatedDisk;
  readonly wal: Wal;
  /** Which calls have synced, in order. */
  readonly syncs: string[];
  /** What a sync takes from now on. */
  syncMs: number;
}

async function openLog(): Promise<Log> {
  const disk = new SimulatedDisk();
  let nowMs = 0;
  const wal = await createLog(disk, { now: () => nowMs });
  const log: Log = { disk, wal, syncs: [], syncMs: 0.2 };
  disk.beforeOperation = (operation) => {
    if (operation !== "datasync" && operation !== "datasyncSync") return;
    log.syncs.push(operation);
    nowMs += log.syncMs;
  };
  return log;
}

async function saveLone(log: Log, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await log.wal.save(null, [entryOf(log.wal.lastIndex + 1)], true, { isLone: true });
    await log.wal.save(stateOf(log.wal.lastIndex), [], false); // the commit that follows, as raft writes it
  }
}

describe("a log", () => {
  test("waits for the syncs of a lone writer itself, once the disk has been quick for long", async () => {
    const log = await openLog();

    await saveLone(log, MANY);

    expect(log.syncs[0]).toBe("datasync");
    expect(log.syncs.slice(0, 36)).not.toContain("datasyncSync");
    expect(log.syncs.at(-1)).toBe("datasyncSync");
  });

  test("does not wait when nobody says that a save is lone", async () => {
    const log = await openLog();

    for (let n = 1; n <= MANY; n++) await log.wal.save(null, [entryOf(n)], true);

    expect(log.syncs).not.toContain("datasyncSync");
  });

  test("stops waiting after one slow sync, until the disk has been quick for long again", async () => {
    const log = await openLog();
    await saveLone(log, MANY);
    log.syncMs = 20;
    await saveLone(log, 1);
    log.syncMs = 0.2;
    log.syncs.length = 0;

    await saveLone(log, MANY);

    expect(log.syncs.slice(0, 6)).not.toContain("datasyncSync");
    expect(log.syncs.at(-1)).toBe("datasyncSync");
  });

  test("never waits for a disk that is slow", async () => {
    const log = await openLog();
    log.syncMs = 3;

    await saveLone(log, 3 * MANY);

    expect(log.syncs).not.toContain("datasyncSync");
  });

  test("does not wait for the first saves after a crowd", async () => {
    const log = await openLog();
    await saveLone(log, MANY);
    await log.wal.save(null, entriesOf(MANY + 1, MANY + 2), true);
    log.syncs.length = 0;

    await saveLone(log, 9);

    expect(log.syncs).toEqual([...Array.from({ length: 8 }, () => "datasync"), "datasyncSync"]);
  });

  test("that waited holds what it saved, also after a loss of power", async () => {
    const log = await openLog();
    await log.wal.save(stateOf(0), [], true);
    await saveLone(log, MANY);

    const { entries } = await reopen(
      log.disk.crash({ keptShare: 0, isSizeKept: false, areNamesKept: false }),
    );

    expect(entries).toEqual(entriesOf(1, MANY));
  });

  test("is failed for good by a sync that it waited for", async () => {
    const log = await openLog();
    await saveLone(log, MANY);
    log.disk.beforeOperation = (operation) => {
      if (operation === "datasyncSync") throw new Error("EIO");
    };

    const failure: unknown = await log.wal
      .save(null, [entryOf(MANY + 1)], true, { isLone: true })
      .catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "E_FAILED" });
    log.disk.beforeOperation = () => {};
    await expect(log.wal.save(null, [entryOf(MANY + 1)], true)).rejects.toBe(failure);
  });
});
