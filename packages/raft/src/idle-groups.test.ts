// Scenario L-18 of raft-tests.md: a process with thousands of groups that do nothing. Heap and CPU time
// are measured with a wide margin; the figures themselves come from the benchmark (bench/).

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { id } from "./cluster.test.support.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { RawNode } from "./raw-node.ts";
import { EMPTY_CONF_STATE, NONE } from "./types.ts";

const GROUP_COUNT = 10_000;
const TICK_COUNT = 100;
/** raft.md §18 asks for less than 2 KiB of the node itself; its storage is as much again. */
const MAX_HEAP_BYTES_PER_GROUP = 4 * 1024;
/** raft.md §18 asks for less than 0.1 µs; the margin is for machines that do much else. */
const MAX_MICROSECONDS_PER_TICK = 2;
/** The smallest object is 16 bytes; what the compiler needs for itself is less. */
const MAX_HEAP_BYTES_PER_TICK = 8;

function idleNode(): RawNode {
  const storage = new MemoryStorage();
  const confState = { ...EMPTY_CONF_STATE, voters: VOTERS };
  storage.applySnapshot({ meta: { index: 1, term: 1, confState }, data: null });
  storage.setHardState({ term: 1, vote: NONE, commit: 1 });
  return new RawNode({ id: VOTERS[0]!, storage, random: () => 0, electionTick: 10 * TICK_COUNT });
}

const VOTERS = ["1", "2", "3"].map(id);

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

test("L-18: 10,000 idle groups are small, and their ticks cost little and allocate nothing", () => {
  collectGarbage();
  const empty = process.memoryUsage().heapUsed;
  const groups = Array.from({ length: GROUP_COUNT }, idleNode);
  collectGarbage();
  const idle = process.memoryUsage().heapUsed;

  const start = process.cpuUsage();
  for (let tick = 0; tick < TICK_COUNT; tick++) for (const group of groups) group.tick();
  const { user, system } = process.cpuUsage(start);
  const allocated = process.memoryUsage().heapUsed - idle;

  expect((idle - empty) / GROUP_COUNT).toBeLessThan(MAX_HEAP_BYTES_PER_GROUP);
  expect((user + system) / (GROUP_COUNT * TICK_COUNT)).toBeLessThan(MAX_MICROSECONDS_PER_TICK);
  expect(allocated / (GROUP_COUNT * TICK_COUNT)).toBeLessThan(MAX_HEAP_BYTES_PER_TICK);
  expect(groups.some((group) => group.hasReady())).toBe(false);
});
