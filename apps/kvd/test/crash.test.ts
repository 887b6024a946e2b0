// kill -9 at random moments under write load: nothing acknowledged is lost, no index goes back.
// A few rounds here; `pnpm --filter kvd run test:crash` does many (KV_CRASH_CYCLES).

import process from "node:process";
import { expect, test } from "vitest";
import { startCluster } from "./harness/cluster.ts";
import { keys, put } from "./harness/keys.ts";
import { initialCluster, startSingle } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { until } from "./harness/until.ts";
import { WriteLoad } from "./harness/write-load.ts";

const CYCLES = Number(process.env["KV_CRASH_CYCLES"] ?? 3);
const CYCLE_TIMEOUT_MS = 30_000;
const WRITERS = 8;

/** Writes between two crashes: any number up to this. */
const WRITES_MAX = 300;
const SNAPSHOT_COUNT = ["--snapshot-count", "200"];

test(
  `a lone member killed ${CYCLES} times under load loses nothing it acknowledged`,
  { timeout: CYCLES * CYCLE_TIMEOUT_MS },
  async () => {
    const random = randomFrom(seed());
    await using server = await startSingle(SNAPSHOT_COUNT);
    let highest = 0;

    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const load = new WriteLoad([server.clientUrl], WRITERS);
      await load.more(1 + Math.floor(random() * WRITES_MAX));
      await server.crash();
      await load.stop();
      await server.start([...initialCluster([server]), ...SNAPSHOT_COUNT]);

      expect(await load.differences(server.clientUrl)).toStrictEqual([]);
      highest = await expectIndexBeyond(server, load, highest);
      await keys("DELETE", server.clientUrl, "/load?recursive=true");
    }
  },
);

test(
  `three members of which one at a time is killed, ${CYCLES} times, lose nothing they acknowledged`,
  { timeout: CYCLES * CYCLE_TIMEOUT_MS },
  async () => {
    const random = randomFrom(seed());
    await using cluster = await startCluster(3, { flagsOf: () => SNAPSHOT_COUNT });
    const urls = cluster.members.map((member) => member.clientUrl);
    let highest = 0;

    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const load = new WriteLoad(urls, WRITERS);
      await load.more(1 + Math.floor(random() * WRITES_MAX));
      const victim = cluster.members[Math.floor(random() * cluster.members.length)];
      if (victim === undefined) throw new Error("no such member");
      await victim.crash();
      await load.more(20);
      await victim.start(SNAPSHOT_COUNT);
      await load.stop();

      for (const member of cluster.members) {
        expect(await load.differences(member.clientUrl), `seen by ${member.name}`).toStrictEqual([]);
      }
      highest = await expectIndexBeyond(victim, load, highest);
      await keys("DELETE", victim.clientUrl, "/load?recursive=true");
    }
  },
);

/** A new write gets an index above all that were ever given out; returns it. */
async function expectIndexBeyond(member: Member, load: WriteLoad, highest: number): Promise<number> {
  const given = [...load.acknowledged.values()].map((node) => node.modifiedIndex);
  const { modifiedIndex } = await until("a write", () => put(member.clientUrl, "/next", "x"));
  expect(modifiedIndex).toBeGreaterThan(Math.max(highest, ...given));
  expect(new Set(given).size).toBe(given.length);
  return modifiedIndex;
}

/** KV_CRASH_SEED repeats a run as far as chance goes; the seed is printed. */
function seed(): number {
  const value = Number(process.env["KV_CRASH_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  process.stderr.write(`KV_CRASH_SEED=${value}\n`);
  return value;
}

/** Numbers in [0, 1) that a seed determines (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
