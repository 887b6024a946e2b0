// Scenario L-18 of raft-tests.md: a process with thousands of groups that do nothing. What a tick costs
// in time is the benchmark's to say (bench/); here only that it leaves nothing behind on the heap.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { id } from "./cluster.test.support.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { RawNode } from "./raw-node.ts";
import { EMPTY_CONF_STATE, NONE } from "./types.ts";

const GROUP_COUNT = 10_000;
/** Few enough for a round to end before what it might allocate is collected. */
const TICK_COUNT = 10;
const ROUND_COUNT = 9;
/** raft.md §18 asks for less than 2 KiB of the node itself; its storage is as much again. */
const MAX_HEAP_BYTES_PER_GROUP = 4 * 1024;
/** The smallest object is 16 bytes; what the compiler needs for itself is less. */
const MAX_HEAP_BYTES_PER_TICK = 8;

function idleNode(): RawNode {
  const storage = new MemoryStorage();
  const confState = { ...EMPTY_CONF_STATE, voters: VOTERS };
  storage.applySnapshot({ meta: { index: 1, term: 1, confState }, data: null });
  storage.setHardState({ term: 1, vote: NONE, commit: 1 });
  return new RawNode({
    id: VOTERS[0]!,
    storage,
    random: () => 0,
    electionTick: 2 * ROUND_COUNT * TICK_COUNT,
  });
}

const VOTERS = ["1", "2", "3"].map(id);

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

/** How much the heap grows by one tick of one group. */
function growthPerTick(groups: readonly RawNode[]): number {
  const before = process.memoryUsage().heapUsed;
  for (let tick = 0; tick < TICK_COUNT; tick++) for (const group of groups) group.tick();
  return (process.memoryUsage().heapUsed - before) / (groups.length * TICK_COUNT);
}

test("L-18: 10,000 idle groups are small, and their ticks allocate nothing", () => {
  collectGarbage();
  const empty = process.memoryUsage().heapUsed;
  const groups = Array.from({ length: GROUP_COUNT }, idleNode);
  collectGarbage();
  const idle = process.memoryUsage().heapUsed;

  const growths = Array.from({ length: ROUND_COUNT }, () => growthPerTick(groups));

  expect((idle - empty) / GROUP_COUNT).toBeLessThan(MAX_HEAP_BYTES_PER_GROUP);
  // The middle one: the first rounds are compiled, and one in which the heap is collected shrinks.
  const median = growths.toSorted((a, b) => a - b)[Math.floor(ROUND_COUNT / 2)];
  expect(median).toBeLessThan(MAX_HEAP_BYTES_PER_TICK);
  expect(groups.some((group) => group.hasReady())).toBe(false);
});
