import { EntryType } from "@kv/raft";
import type { SaveBatch } from "@kv/raft/node";
import type { SaveOptions } from "@kv/wal";
import { expect, test } from "vitest";
import { DiskStorage } from "./storage.ts";

let readCount = 0;

const unused = async (): Promise<void> => {};

function lone(index: number): SaveBatch {
  return {
    hardState: null,
    entries: [{ term: 1, index, type: EntryType.Normal, data: null }],
    snapshot: null,
    mustSync: true,
    isLone: true,
  };
}

function storageThatTells(saves: SaveOptions[]): DiskStorage {
  const wal = {
    save: async (_state: unknown, _entries: unknown, _sync: unknown, options: SaveOptions = {}) => {
      saves.push(options);
    },
    saveSnapshotRecord: unused,
    release: unused,
    close: unused,
  };
  return new DiskStorage(wal, { save: unused }, () => readCount);
}

test.each([
  ["nobody reads", 0, true],
  ["the writer reads too", 1, true],
  ["others read meanwhile: they would have to wait for the disk", 2, false],
])("whether a lone save may keep the thread, when %s", async (_, readsBetween, isLone) => {
  const saves: SaveOptions[] = [];
  const storage = storageThatTells(saves);
  await storage.save(lone(1));

  readCount += readsBetween;
  await storage.save(lone(2));

  expect(saves.at(-1)).toEqual({ isLone });
});

test("a batch that is not lone stays so, however quiet the member is", async () => {
  const saves: SaveOptions[] = [];

  await storageThatTells(saves).save({ ...lone(1), isLone: false });

  expect(saves).toEqual([{ isLone: false }]);
});
