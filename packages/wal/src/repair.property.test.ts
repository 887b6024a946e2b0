// The laws of a log that is cut off or damaged: a cut reopens to a prefix, a flipped bit never passes.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Entry } from "@kv/raft";
import { array as arrayOf, assert as checkProperty, asyncProperty, nat, pre, uint8Array } from "fast-check";
import type { Arbitrary } from "fast-check";
import { describe, expect, test } from "vitest";
import { Decoder } from "./decoder.ts";
import { unpackFixture } from "./disk-fixtures.test.support.ts";
import { WalError } from "./errors.ts";
import {
  createLog,
  entriesOf,
  entryOf,
  FIRST_SEGMENT_NAME,
  reopen,
  segmentNames,
  stateOf,
  WAL_DIR,
} from "./log.test.support.ts";
import { RecordType } from "./record.ts";
import { SimulatedDisk } from "./simulated-disk.test.support.ts";

// Tests that open a log thousands of times; a second on an idle machine.
const EXHAUSTIVE = { timeout: 60_000 };
const FIRST_SEGMENT = `${WAL_DIR}/${FIRST_SEGMENT_NAME}`;

/** A log and, after each save, its size and its last index. */
async function logOf(
  batches: readonly (readonly Entry[])[],
): Promise<{ bytes: Buffer; ends: { size: number; last: number }[] }> {
  const disk = new SimulatedDisk();
  const wal = await createLog(disk);
  const ends = [{ size: disk.content(FIRST_SEGMENT).length, last: 0 }];
  for (const batch of batches) {
    const last = batch.at(-1)!.index;
    await wal.save(stateOf(last), batch, true);
    ends.push({ size: disk.content(FIRST_SEGMENT).length, last });
  }
  return { bytes: disk.content(FIRST_SEGMENT), ends };
}

function diskWith(bytes: Uint8Array): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.overwrite(FIRST_SEGMENT, bytes);
  return disk;
}

function flipBit(bytes: Uint8Array, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[bit >>> 3]! ^= 1 << (bit & 7);
  return flipped;
}

/** Batches of entries without gaps, some without data, some across sectors. */
const batchesArbitrary: Arbitrary<Entry[][]> = arrayOf(arrayOf(nat(900), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 8,
}).map((sizes) => {
  let index = 0;
  return sizes.map((batch) =>
    batch.map((sizeBytes) => {
      index++;
      return sizeBytes < 100 ? { ...entryOf(index), data: null } : entryOf(index, 1, sizeBytes);
    }),
  );
});

describe("a log that is cut off", () => {
  test("at any byte reopens to a prefix with every save that was whole before the cut", async () => {
    await checkProperty(
      asyncProperty(batchesArbitrary, nat(), async (batches, seed) => {
        const { bytes, ends } = await logOf(batches);
        const opening = ends[0]!.size;
        const cut = opening + (seed % (bytes.length - opening + 1));
        const acknowledged = ends.findLast((end) => end.size <= cut)!.last;
        const disk = diskWith(bytes.subarray(0, cut));

        const { entries, hardState, wal } = await reopen(disk);

        expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
        expect(entries).toEqual(batches.flat().slice(0, entries.length));
        expect(hardState.commit).toBeGreaterThanOrEqual(acknowledged);
        // Whatever was cut off is kept, and what comes next is not lost.
        const kept = disk.files.get(`${FIRST_SEGMENT}.broken`);
        const isRepaired = disk.content(FIRST_SEGMENT).length < cut;
        expect(kept?.bytes.length ?? -1).toBe(isRepaired ? cut : -1);
        await wal.save(null, [entryOf(entries.length + 1)], true);
        await wal.close();
        expect((await reopen(disk)).entries.length).toBe(entries.length + 1);
      }),
      { numRuns: 150 },
    );
  });

  test("with the rest of the write as zeros reopens to a prefix as well", async () => {
    await checkProperty(
      asyncProperty(batchesArbitrary, nat(), async (batches, seed) => {
        const { bytes, ends } = await logOf(batches);
        const last = ends.at(-2)!;
        const cut = last.size + (seed % (bytes.length - last.size + 1));
        const sector = Math.ceil(cut / 512) * 512;
        const torn = Buffer.from(bytes);
        if (sector < torn.length) torn.fill(0, sector);
        // A lone last byte cannot be told from data (repair.ts).
        pre(torn.length - sector !== 1);

        const { entries } = await reopen(diskWith(torn));

        expect(entries.length).toBeGreaterThanOrEqual(last.last);
        expect(entries).toEqual(batches.flat().slice(0, entries.length));
      }),
      { numRuns: 150 },
    );
  });

  test(
    "of 2.0.0 at any byte reopens to a prefix, or is refused unchanged where a commit index is ahead of its entries",
    EXHAUSTIVE,
    async () => {
      using unpacked = unpackFixture("v200-basic");
      const bytes = fs.readFileSync(path.join(unpacked.dataDir, "wal", FIRST_SEGMENT_NAME));
      const whole = (await reopen(diskWith(bytes))).entries;
      const decoder = new Decoder(bytes, 0);
      while (decoder.next() && decoder.type !== RecordType.Snapshot);
      decoder.next();
      let reopened = 0;
      for (let cut = decoder.offset; cut < bytes.length; cut++) {
        const disk = diskWith(bytes.subarray(0, cut));

        const outcome = await reopen(disk).catch((error: unknown) => error);

        if (outcome instanceof WalError) {
          // 2.0 writes the state first; it and 2.3.8 refuse such a log too.
          expect(outcome.code).toBe("E_COMMIT");
          expect(segmentNames(disk)).toEqual([FIRST_SEGMENT_NAME]);
          continue;
        }
        reopened++;
        const { entries } = await reopen(disk);
        expect(entries).toEqual(whole.slice(0, entries.length));
      }
      expect(reopened).toBeGreaterThan(1000);
    },
  );
});

describe("a flipped bit", () => {
  test("anywhere is refused with its segment and offset, and nothing is changed", EXHAUSTIVE, async () => {
    const batches = [
      entriesOf(1, 2),
      [{ ...entryOf(3), data: null }],
      entriesOf(4, 5, 2, 220),
      [entryOf(6, 2)],
    ];
    const { bytes } = await logOf(batches);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const disk = diskWith(flipBit(bytes, bit));

      const outcome = await reopen(disk).catch((error: unknown) => error);

      if (!(outcome instanceof WalError)) throw new Error(`bit ${bit} was not noticed`);
      expect(outcome.at?.segment, outcome.message).toBe(FIRST_SEGMENT_NAME);
      // The frame that was hit, never one behind it.
      expect(outcome.at!.offset).toBeLessThanOrEqual(bit >>> 3);
      expect(segmentNames(disk)).toEqual([FIRST_SEGMENT_NAME]);
    }
  });

  test("in a length field in the middle does not drop what follows, as it does in 2.3.8", async () => {
    using unpacked = unpackFixture("v238-basic");
    const bytes = fs.readFileSync(path.join(unpacked.dataDir, "member/wal", FIRST_SEGMENT_NAME));
    const frame = 280; // entry 3, by the dump
    for (let bit = 0; bit < 64; bit++) {
      const position = { segment: FIRST_SEGMENT_NAME, offset: frame };
      await expect(reopen(diskWith(flipBit(bytes, frame * 8 + bit)))).rejects.toMatchObject({
        code: "E_DAMAGED",
        at: position,
      });
    }
  });

  test("in a log of 3.4.23 is refused, or lies in the zeros behind it", EXHAUSTIVE, async () => {
    using unpacked = unpackFixture("v3423-mixed-v3");
    const preallocated = fs.readFileSync(path.join(unpacked.dataDir, "member/wal", FIRST_SEGMENT_NAME));
    const end = 2920; // by the dump
    const bytes = preallocated.subarray(0, end + 1024);
    const whole = (await reopen(diskWith(bytes))).entries;
    for (let bit = 0; bit < bytes.length * 8; bit += 37) {
      const outcome = await reopen(diskWith(flipBit(bytes, bit))).catch((error: unknown) => error);

      if (bit < end * 8) expect(outcome).toBeInstanceOf(WalError);
      else expect(outcome).toMatchObject({ entries: whole });
    }
  });
});

describe("damage that is larger", () => {
  test("a page of zeros in the middle is refused, because valid frames follow", async () => {
    const { bytes } = await logOf([entriesOf(1, 40, 1, 200)]);
    const holed = Buffer.from(bytes).fill(0, 1024, 2048);

    await expect(reopen(diskWith(holed))).rejects.toMatchObject({
      code: "E_CRC",
      at: { segment: FIRST_SEGMENT_NAME },
    });
  });

  test("a frame whose length and record were both hit is refused, because valid frames follow", async () => {
    const { bytes } = await logOf([entriesOf(1, 10, 1, 50)]);
    const second = bytes.indexOf(Buffer.from([0x08, 2, 0x10]), 160) - 8;
    const hit = Buffer.from(bytes);
    hit[second + 2] = 0x7f; // the frame now seems to run far beyond the end
    hit[second + 30]! ^= 1; // and its crc does not say otherwise

    await expect(reopen(diskWith(hit))).rejects.toMatchObject({
      code: "E_DAMAGED",
      at: { segment: FIRST_SEGMENT_NAME, offset: second },
    });
  });

  test("garbage at the end that no writer begins with is refused", async () => {
    const { bytes } = await logOf([entriesOf(1, 4)]);
    const garbage = Buffer.alloc(64, 0xa5);

    await expect(reopen(diskWith(Buffer.concat([bytes, garbage])))).rejects.toMatchObject({
      code: "E_DAMAGED",
      at: { segment: FIRST_SEGMENT_NAME, offset: bytes.length },
    });
  });

  test("any bytes are refused or read, but never crash the reader", async () => {
    await checkProperty(
      asyncProperty(uint8Array({ maxLength: 200 }), async (bytes) => {
        const outcome = await reopen(diskWith(bytes)).catch((error: unknown) => error);
        expect(outcome).toBeInstanceOf(WalError);
      }),
    );
  });
});
