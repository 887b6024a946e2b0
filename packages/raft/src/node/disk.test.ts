import { expect, test } from "vitest";
import { parseNodeId } from "../codec/index.ts";
import { EMPTY_CONF_STATE, type Snapshot } from "../types.ts";
import { TestDisk } from "./cluster.test.support.ts";
import { Disk } from "./disk.ts";
import type { SaveBatch } from "./storage.ts";

const snapshotAt = (index: number): Snapshot => ({
  meta: { index, term: 1, confState: EMPTY_CONF_STATE },
  data: null,
});
const batch = (snapshot: Snapshot | null): SaveBatch => ({
  hardState: { term: 1, vote: parseNodeId("1"), commit: 1 },
  entries: [{ term: 1, index: (snapshot?.meta.index ?? 0) + 1, type: 0, data: null }],
  snapshot,
  mustSync: true,
  isLone: false,
});

test("a received snapshot is not written while an own one is", async () => {
  const stable = new TestDisk();
  const disk = new Disk(stable);
  await disk.save(batch(null));
  stable.hold();

  const own = disk.saveSnapshot(snapshotAt(1));
  const received = disk.save(batch(snapshotAt(5)));

  expect(stable.batches).toHaveLength(1);
  stable.release();
  await Promise.all([own, received]);
  expect(stable.batches).toHaveLength(2);
  expect(stable.load().snapshot().meta.index).toBe(5);
});

test("saves go on while an own snapshot is being written", async () => {
  const stable = new TestDisk();
  const disk = new Disk(stable);
  await disk.save(batch(null));
  stable.hold();

  const own = disk.saveSnapshot(snapshotAt(1));
  const saved = disk.save(batch(null));

  expect(stable.batches).toHaveLength(2);
  stable.release();
  await Promise.all([own, saved]);
  expect(disk.hasSnapshot).toBe(false);
});

test("a second save before the first has settled is a mistake of the driver", async () => {
  const stable = new TestDisk();
  const disk = new Disk(stable);
  stable.hold();
  const first = disk.save(batch(null));

  expect(() => disk.save(batch(null))).toThrow(expect.objectContaining({ code: "E_FATAL" }));

  stable.release();
  await first;
});
