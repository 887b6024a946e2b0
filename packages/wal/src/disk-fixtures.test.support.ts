// The recorded data directories of real etcd servers, unpacked for one test. KV_FIXTURES names the
// folder of the recordings when they are not where the repository has them.

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const FIXTURES =
  process.env["KV_FIXTURES"] ?? path.join(import.meta.dirname, "../../../conformance/fixtures");

/** One segment in a `wal-dump*.json`. */
export interface DumpedSegment {
  readonly file: string;
  readonly size: number;
  readonly records: readonly DumpedRecord[];
}

/** A record, or in the last place why reading stopped early: then only `offset` and `end` mean something. */
export interface DumpedRecord {
  readonly end?: "torn-body" | "zero-length";
  readonly offset: number;
  readonly length: number;
  readonly pad: number;
  readonly type: "crc" | "metadata" | "snapshot" | "entry" | "state";
  readonly crc: string;
  readonly crcOK?: boolean;
  readonly value?: Readonly<Record<string, unknown>>;
}

/** A member's directories in a recording and what its log holds. */
export interface RecordedMember {
  /** Fixture, and member when there are several. */
  readonly name: string;
  readonly fixture: string;
  /** Relative to the unpacked data directory. */
  readonly wal: string;
  readonly snap: string;
  readonly dump: string;
}

/** All recordings that hold a log, by the dumps that describe them. */
export const RECORDED_MEMBERS: readonly RecordedMember[] = fs
  .readdirSync(path.join(FIXTURES, "disk"))
  .flatMap((fixture) => membersOf(fixture));

/** Unpacks a recording into a new directory and returns it and how to remove it. */
export function unpackFixture(fixture: string): { readonly dataDir: string } & Disposable {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "kv-wal-"));
  execFileSync("tar", ["xzf", path.join(FIXTURES, "disk", fixture, "data.tar.gz"), "-C", directory]);
  return {
    dataDir: path.join(directory, "data"),
    [Symbol.dispose]: () => fs.rmSync(directory, { recursive: true }),
  };
}

export function readDump(member: RecordedMember): readonly DumpedSegment[] {
  const text = fs.readFileSync(path.join(FIXTURES, "disk", member.fixture, member.dump), "utf8");
  const dump: readonly DumpedSegment[] = JSON.parse(text);
  return dump;
}

function membersOf(fixture: string): RecordedMember[] {
  const top = fixture.startsWith("v200") ? "" : "member";
  return fs
    .readdirSync(path.join(FIXTURES, "disk", fixture))
    .filter((name) => name.startsWith("wal-dump"))
    .map((dump) => {
      const member = /^wal-dump-(.+)\.json$/.exec(dump)?.[1] ?? "";
      const base = path.join(member, top);
      return {
        name: member === "" ? fixture : `${fixture}/${member}`,
        fixture,
        wal: path.join(base, "wal"),
        snap: path.join(base, "snap"),
        dump,
      };
    });
}
