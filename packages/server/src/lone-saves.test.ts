import { EntryType } from "@kv/raft";
import type { SaveBatch, StableStorage } from "@kv/raft/node";
import { beforeEach, expect, test } from "vitest";
import { LoneSaves } from "./lone-saves.ts";

let readCount: number;
let saved: SaveBatch[];
let saves: StableStorage;

beforeEach(() => {
  readCount = 0;
  saved = [];
  const stable: StableStorage = {
    save: async (batch) => void saved.push(batch),
    saveSnapshot: async () => {},
    close: async () => {},
  };
  saves = new LoneSaves(stable, () => readCount);
});

function lone(index: number): SaveBatch {
  return {
    hardState: null,
    entries: [{ term: 1, index, type: EntryType.Normal, data: null }],
    snapshot: null,
    mustSync: true,
    isLone: true,
  };
}

test.each([
  ["nobody reads", 0, true],
  ["the writer reads too", 1, true],
  ["others read meanwhile: they would have to wait for the disk", 2, false],
])("whether a lone save may keep the thread, when %s", async (_, readsBetween, isLone) => {
  await saves.save(lone(1));

  readCount += readsBetween;
  await saves.save(lone(2));

  expect(saved).toEqual([lone(1), { ...lone(2), isLone }]);
});

test("a batch that is not lone stays so, however quiet the member is", async () => {
  await saves.save({ ...lone(1), isLone: false });

  expect(saved).toEqual([{ ...lone(1), isLone: false }]);
});
