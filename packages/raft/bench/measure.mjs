// CPU time and allocation of a function, on a machine that others use too. CPU time, not wall time; the
// best of several samples, because whatever disturbs makes it slower and never faster.

import process from "node:process";

const SAMPLE_COUNT = 4;
const SAMPLE_CPU_MS = 200;
const ALLOCATION_SAMPLE_COUNT = 3;

/** Twice the young generation that the package script asks for. */
const WARM_UP_BYTES = 1024 * 1024 * 1024;
const WARM_UP_PIECE_BYTES = 8_192;

/**
 * Uses all of the young generation once: its pages come from the system at their first use, which on a virtual
 * machine costs more than what is measured, and the first loads would pay for all.
 */
export function warmUp() {
  let last = null;
  for (let bytes = 0; bytes < WARM_UP_BYTES; bytes += WARM_UP_PIECE_BYTES) {
    last = Array.from({ length: WARM_UP_PIECE_BYTES / 8 }, () => 0.5);
  }
  return last;
}

/** CPU milliseconds of this process. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Runs `work`, which does `count` operations, for about a second; the best operations per CPU second. */
export function operationsPerSecond(count, work) {
  let best = 0;
  for (let sample = 0; sample < SAMPLE_COUNT; sample++) {
    const start = cpuMs();
    let operations = 0;
    let elapsed = 0;
    while (elapsed < SAMPLE_CPU_MS) {
      work();
      operations += count;
      elapsed = cpuMs() - start;
    }
    best = Math.max(best, (operations * 1_000) / elapsed);
  }
  return best;
}

/** Heap bytes allocated per operation, kept or not. Needs --expose-gc and a young generation that holds them all. */
export function bytesPerOperation(count, work) {
  let least = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < ALLOCATION_SAMPLE_COUNT; sample++) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    work();
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / count);
  }
  return Math.max(0, least);
}

/** Heap bytes that each of the `count` objects holds which `make` returns. Needs --expose-gc. */
export function heldBytes(count, make) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const objects = make();
  globalThis.gc();
  const held = process.memoryUsage().heapUsed - before;
  if (objects.length !== count)
    throw new Error(`${count} objects were to be made, there are ${objects.length}`);
  return held / count;
}
