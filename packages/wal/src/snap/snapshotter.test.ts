import { EMPTY_CONF_STATE } from "@kv/raft";
import type { NodeId, SnapshotMeta } from "@kv/raft";
import { array, assert as checkProperty, asyncProperty, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { SimulatedDisk, systemError } from "../simulated-disk.test.support.ts";
import type { DiskOperation } from "../simulated-disk.test.support.ts";
import { Snapshotter } from "./snapshotter.ts";

const DIR = "/data/member/snap";
const LOST_POWER = { keptShare: 0, isSizeKept: false, areNamesKept: false } as const;

function metaAt(index: number, term = 2): SnapshotMeta {
  return { index, term, confState: { ...EMPTY_CONF_STATE, voters: ["a", "ffffffffffffffff"] as NodeId[] } };
}

function on(disk: SimulatedDisk, warnings: string[] = []): Snapshotter {
  return new Snapshotter(DIR, { fileSystem: disk, logger: { warn: (message) => warnings.push(message) } });
}

async function* slowly(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10);
  throw await Promise.resolve(new Error("the store gave up"));
}

function names(disk: SimulatedDisk): string[] {
  return [...disk.files.keys()].map((name) => name.slice(DIR.length + 1)).toSorted();
}

describe("a saved snapshot", () => {
  test("is loaded again, in whatever pieces it came", async () => {
    await checkProperty(
      asyncProperty(array(uint8Array({ maxLength: 400 }), { maxLength: 6 }), async (chunks) => {
        const whole = Buffer.concat(chunks);
        const contents: Buffer[] = [];
        for (const data of [whole, chunks, slowly(chunks)]) {
          const disk = new SimulatedDisk();
          await on(disk).save(metaAt(505), data);
          const snapshot = await on(disk.crash(LOST_POWER)).load();
          expect(snapshot?.meta).toEqual(metaAt(505));
          expect(Buffer.compare(snapshot!.data!, whole)).toBe(0);
          contents.push(disk.content(`${DIR}/0000000000000002-00000000000001f9.snap`));
        }
        expect(contents[1]).toEqual(contents[0]);
        expect(contents[2]).toEqual(contents[0]);
      }),
      { numRuns: 50 },
    );
  });

  test("larger than one write is synced on the way and no piece is larger than a mebibyte", async () => {
    const disk = new SimulatedDisk();
    const data = new Uint8Array(9 * 1024 * 1024 + 5).map((_, i) => i);

    await on(disk).save(metaAt(7), data);

    expect(Math.max(...disk.writes)).toBe(1024 * 1024);
    expect(disk.datasyncCount).toBe(3);
    expect(Buffer.compare((await on(disk).load())!.data!, data)).toBe(0);
  });

  test("with any bit flipped is not loaded", async () => {
    const disk = new SimulatedDisk();
    await on(disk).save(metaAt(1), Buffer.from("state"));
    const file = `${DIR}/${names(disk)[0]!}`;
    const bytes = disk.content(file);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      const damaged = new SimulatedDisk();
      damaged.overwrite(file, flipped);
      expect(await on(damaged).load(), `bit ${bit}`).toBeNull();
    }
  });
});

describe("loading", () => {
  test("takes the newest that is whole and puts broken ones aside", async () => {
    const disk = new SimulatedDisk();
    const warnings: string[] = [];
    await on(disk).save(metaAt(0x10, 1), Buffer.from("old"));
    await on(disk).save(metaAt(0x20, 1), Buffer.from("good"));
    disk.overwrite(`${DIR}/0000000000000001-0000000000000030.snap`, new Uint8Array());
    disk.overwrite(`${DIR}/0000000000000002-0000000000000030.snap`, Buffer.from("garbage"));

    const readOnly = await on(disk).load({ readOnly: true });
    expect(names(disk).filter((name) => name.endsWith(".broken"))).toEqual([]);
    const snapshot = await on(disk, warnings).load();

    expect(readOnly?.meta.index).toBe(0x20);
    expect(snapshot?.meta.index).toBe(0x20);
    expect(names(disk)).toEqual([
      "0000000000000001-0000000000000010.snap",
      "0000000000000001-0000000000000020.snap",
      "0000000000000001-0000000000000030.snap.broken",
      "0000000000000002-0000000000000030.snap.broken",
    ]);
    expect(warnings).toEqual(["snapshot file is broken", "snapshot file is broken"]);
  });

  test("removes the rest of an interrupted save and warns of strangers", async () => {
    const disk = new SimulatedDisk();
    const warnings: string[] = [];
    for (const name of ["0000000000000001-0000000000000030.snap.tmp", "tmp123", "db"]) {
      disk.overwrite(`${DIR}/${name}`, new Uint8Array(1));
    }

    expect(await on(disk, warnings).load()).toBeNull();

    expect(names(disk)).toEqual(["db", "tmp123"]);
    expect(warnings).toEqual(["skipped unexpected non snapshot file"]);
  });

  test("finds nothing where there is no directory", async () => {
    expect(await on(new SimulatedDisk()).load()).toBeNull();
  });

  test("does not take a file that cannot be read for a broken one", async () => {
    const disk = new SimulatedDisk();
    await on(disk).save(metaAt(1), Buffer.from("state"));
    disk.beforeOperation = (operation, file) => {
      if (operation === "read") throw systemError("EMFILE", file);
    };

    await expect(on(disk).load()).rejects.toMatchObject({ code: "E_IO" });
    expect(names(disk)).toEqual(["0000000000000002-0000000000000001.snap"]);
  });
});

describe("saving", () => {
  const OPERATIONS: readonly DiskOperation[] = ["open", "write", "datasync", "rename", "syncDirectory"];

  test.each(OPERATIONS)("that fails on %s leaves the older snapshot", async (broken) => {
    const disk = new SimulatedDisk();
    await on(disk).save(metaAt(1), Buffer.from("old"));
    disk.beforeOperation = (operation, file) => {
      if (operation === broken) throw systemError("ENOSPC", file);
    };

    await expect(on(disk).save(metaAt(2), Buffer.from("new"))).rejects.toMatchObject({ code: "E_FAILED" });

    const found = await on(disk.crash(LOST_POWER)).load();
    expect(found?.meta.index).toBe(1);
    expect(names(disk).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("whose source fails leaves nothing", async () => {
    const disk = new SimulatedDisk();

    await expect(on(disk).save(metaAt(2), failing())).rejects.toMatchObject({ code: "E_FAILED" });

    expect(names(disk)).toEqual([]);
  });
});

describe("purging", () => {
  test("keeps the newest", async () => {
    const disk = new SimulatedDisk();
    const snapshotter = on(disk);
    for (const index of [3, 1, 4, 2]) await snapshotter.save(metaAt(index), Buffer.from("state"));

    expect(await snapshotter.purge({ maxSnapshots: 0 })).toEqual([]);
    expect(await snapshotter.purge({ maxSnapshots: 3 })).toEqual(["0000000000000002-0000000000000001.snap"]);
    expect((await snapshotter.purge({ maxSnapshots: 1 })).length).toBe(2);

    expect(names(disk)).toEqual(["0000000000000002-0000000000000004.snap"]);
  });
});
