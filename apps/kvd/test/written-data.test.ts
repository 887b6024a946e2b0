// What kvd leaves on the disk, read by hand: real 2.3.8 must be able to open it, so frames have neither
// padding nor zeros behind them, and records stand in its order; and old files go when flags say so.
// Spec: disk-format.md §3.2, §3.5, §3.6, §9.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { get, put } from "./harness/keys.ts";
import { startSingle } from "./harness/member.ts";
import type { Member } from "./harness/member.ts";
import { until } from "./harness/until.ts";
import { wireFieldsOf } from "./harness/wire-message.ts";
import { WriteLoad } from "./harness/write-load.ts";

const LENGTH_BYTES = 8;
/** The log is more than 128 MB, written once and read three times. */
const LARGE_LOG = { timeout: 180_000 };
/** Types of records. */
const [METADATA, ENTRY, STATE, CRC, SNAPSHOT] = [1n, 2n, 3n, 4n, 5n];

interface WrittenRecord {
  readonly type: bigint;
  /** The numbers in its data, by field. */
  readonly data: ReadonlyMap<number, bigint>;
}

test("after crashes and restarts the log is laid out as 2.3.8 lays it out", async () => {
  const flags = ["--snapshot-count=100"];
  await using server = await startSingle(flags);
  for (let crash = 0; crash < 3; crash++) {
    const load = new WriteLoad([server.clientUrl], 8);
    await load.more(150);
    await server.crash();
    await load.stop();
    await server.start(flags);
  }
  await server.process.kill("SIGTERM");

  const names = await filesOf(server, "wal", ".wal");
  expect(names).toStrictEqual(["0000000000000000-0000000000000000.wal"]);
  const records = recordsOf(await readFile(join(server.dataDir, "member", "wal", names[0] ?? "")));

  expect(records.slice(0, 3).map(({ type }) => type)).toStrictEqual([CRC, METADATA, SNAPSHOT]);
  expect(records.slice(3).every(({ type }) => type === ENTRY || type === STATE || type === SNAPSHOT)).toBe(
    true,
  );
  expect(records[3]?.type).toBe(ENTRY);
  // Entries first, then the state that belongs to them; and a snapshot is of what is committed.
  let [last, commit, term] = [0n, 0n, 0n];
  for (const { type, data } of records.slice(3)) {
    if (type === ENTRY) {
      expect(data.get(3)).toBe(last + 1n);
      last = data.get(3) ?? 0n;
    } else if (type === STATE) {
      expect(data.get(3)).toBeLessThanOrEqual(last);
      expect(data.get(1)).toBeGreaterThanOrEqual(term);
      [commit, term] = [data.get(3) ?? 0n, data.get(1) ?? 0n];
    } else {
      expect(data.get(1)).toBeLessThanOrEqual(commit);
    }
  }
  // A snapshot file is only there when the log says so.
  const marked = records.filter(({ type }) => type === SNAPSHOT).map(({ data }) => data.get(1));
  for (const name of await filesOf(server, "snap", ".snap")) {
    expect(marked).toContain(BigInt(`0x${name.slice(17, 33)}`));
  }
});

test(
  "old snapshots and segments go as --max-snapshots and --max-wals say, and nothing is lost",
  LARGE_LOG,
  async () => {
    await using server = await startSingle(["--snapshot-count=50"]);
    const large = "x".repeat(1_000_000);
    for (let n = 0; n < 144; n += 16) {
      const writes = Array.from({ length: 16 }, (_, i) => put(server.clientUrl, `/large/${i % 2}`, large));
      await Promise.all(writes);
    }
    await put(server.clientUrl, "/small", "1");
    await until("snapshots", async () => ((await filesOf(server, "snap", ".snap")).length > 1 ? true : null));
    expect((await filesOf(server, "wal", ".wal")).length).toBeGreaterThan(2);
    await server.process.kill("SIGTERM");

    await server.start(["--max-snapshots=1", "--max-wals=1"]);
    await until("the files to go", async () => {
      const [snapshots, segments] = [
        await filesOf(server, "snap", ".snap"),
        await filesOf(server, "wal", ".wal"),
      ];
      return snapshots.length === 1 && segments.length <= 2 ? true : null; // 2.3.8 keeps one more than needed
    });
    await server.crash();
    await server.start();

    expect((await get(server.clientUrl, "/small")).value).toBe("1");
    expect((await get(server.clientUrl, "/large/1")).value?.length).toBe(large.length);
  },
);

async function filesOf(server: Member, directory: string, extension: string): Promise<readonly string[]> {
  const names = await readdir(join(server.dataDir, "member", directory));
  return names.filter((name) => name.endsWith(extension)).toSorted();
}

/** All records of a segment: frame behind frame up to the last byte, none padded. */
function recordsOf(bytes: Buffer): readonly WrittenRecord[] {
  const records: WrittenRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.readBigUInt64LE(at); // with padding, the highest byte would say how much
    expect(length, `length at ${at}`).toBeGreaterThan(0n);
    expect(length, `length at ${at}`).toBeLessThanOrEqual(BigInt(bytes.length - at - LENGTH_BYTES));
    const end = at + LENGTH_BYTES + Number(length);
    const fields = wireFieldsOf(bytes.subarray(at + LENGTH_BYTES, end));
    const data = fields.find(([number]) => number === 3)?.[1] ?? new Uint8Array();
    if (typeof data === "bigint") throw new Error(`data at ${at} is a number`);
    const type = fields.find(([number]) => number === 1)?.[1];
    if (typeof type !== "bigint") throw new Error(`no type at ${at}`);
    const numbers = wireFieldsOf(data).filter(
      (field): field is [number, bigint] => typeof field[1] === "bigint",
    );
    records.push({ type, data: new Map(numbers) });
    at = end;
  }
  expect(at).toBe(bytes.length);
  return records;
}
