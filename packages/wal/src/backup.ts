// A copy of a member's state from its files, beside the running server if need be: the newest good snapshot
// and the log behind it, under new ids, because the copy must never be taken for the member it was made of.
// It is started with force-new-cluster. Source: disk-format.md §10.
//
//   member/snap/%016x-%016x.snap     the snapshot, when there is one
//   member/wal/0-0.wal               crc, metadata, snapshot {0,0}, entries, state, snapshot of the file above

import { nodeIdFromHalves } from "@kv/raft/codec";
import type { NodeId, Snapshot } from "@kv/raft";
import type { DataDirPaths } from "./data-dir.ts";
import { Encoder } from "./encoder.ts";
import { WalError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { listSegments, readLog } from "./log-reader.ts";
import { encodeMetadata } from "./record.ts";
import type { WalMetadata } from "./record.ts";
import type { LogContent } from "./replay.ts";
import { segmentAt } from "./segment.ts";
import { SegmentFile } from "./segment-file.ts";
import { Snapshotter } from "./snap/snapshotter.ts";

/** Where to read and where to write. */
export interface BackupPlaces {
  readonly source: Pick<DataDirPaths, "wal" | "snap">;
  /** Must not hold a log or a snapshot. */
  readonly target: Pick<DataDirPaths, "wal" | "snap">;
}

/** What a backup needs of the machine. */
export interface BackupOptions {
  readonly fileSystem: FileSystem;
  /** Fills the bytes with random ones; for the new ids. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
  /** Called before each step. */
  readonly onStep?: (step: "read" | "write snapshot" | "write log") => void;
}

/** What a backup holds. */
export interface BackupSummary {
  /** The ids in the copy. */
  readonly metadata: WalMetadata;
  /** Index of the snapshot, 0 without one. */
  readonly snapshotIndex: number;
  readonly entryCount: number;
  /** Entries behind it were not agreed on when the copy was made; a restored member drops them. */
  readonly commit: number;
  readonly lastIndex: number;
}

/** A server that purges or writes while its files are read makes a read fail, but hardly twice. */
const READ_ATTEMPTS_MAX = 3;
const BEGINNING = { index: 0, term: 0 };

/**
 * Makes a backup; when this resolves it is durable. Nothing is changed at the source, and nothing is written
 * before all of it was read and checked.
 *
 * @throws {WalError} `E_EXISTS` when the target is not clean; as `readLog` when the source cannot be read; `E_FAILED`.
 */
export async function backUp(places: BackupPlaces, options: BackupOptions): Promise<BackupSummary> {
  const { fileSystem } = options;
  await refuseUnclean(places.target, fileSystem);
  options.onStep?.("read");
  const { snapshot, log } = await readSource(places.source, fileSystem);
  const metadata = { nodeId: newId(options.random), clusterId: newId(options.random) };
  await makeDirectories(places.target, fileSystem);
  if (snapshot !== null) {
    options.onStep?.("write snapshot");
    const snapshotter = new Snapshotter(places.target.snap, { fileSystem });
    await snapshotter.save(snapshot.meta, snapshot.data ?? new Uint8Array());
  }
  options.onStep?.("write log");
  await writeLog(places.target.wal, { metadata, log, snapshot }, fileSystem);
  const snapshotIndex = snapshot?.meta.index ?? 0;
  return {
    metadata,
    snapshotIndex,
    entryCount: log.entries.length,
    commit: log.hardState.commit,
    lastIndex: snapshotIndex + log.entries.length,
  };
}

async function refuseUnclean(target: BackupPlaces["target"], fileSystem: FileSystem): Promise<void> {
  const segments = await listSegments(target.wal, fileSystem);
  const snapshot = await new Snapshotter(target.snap, { fileSystem }).load({ readOnly: true });
  if (segments.length > 0 || snapshot !== null) {
    throw new WalError("E_EXISTS", "file already exists: the backup directory holds data already");
  }
}

async function readSource(
  source: BackupPlaces["source"],
  fileSystem: FileSystem,
): Promise<{ readonly snapshot: Snapshot | null; readonly log: LogContent }> {
  const snapshotter = new Snapshotter(source.snap, { fileSystem });
  for (let attempt = 1; ; attempt++) {
    try {
      const snapshot = await snapshotter.load({ readOnly: true });
      const at = snapshot === null ? BEGINNING : snapshot.meta;
      return { snapshot, log: await readLog(source.wal, { at, fileSystem }) };
    } catch (error) {
      if (!(error instanceof WalError) || attempt === READ_ATTEMPTS_MAX) throw error;
    }
  }
}

async function makeDirectories(target: BackupPlaces["target"], fileSystem: FileSystem): Promise<void> {
  try {
    await fileSystem.makeDirectory(target.snap);
    await fileSystem.makeDirectory(target.wal);
  } catch (cause) {
    throw new WalError("E_FAILED", "the backup directory cannot be created", { cause });
  }
}

async function writeLog(
  directory: string,
  content: {
    readonly metadata: WalMetadata;
    readonly log: LogContent;
    readonly snapshot: Snapshot | null;
  },
  fileSystem: FileSystem,
): Promise<void> {
  const { log, snapshot } = content;
  const encoder = new Encoder(0);
  encoder.putCrc();
  encoder.putMetadata(encodeMetadata(content.metadata));
  encoder.putSnapshotPosition(BEGINNING);
  for (const entry of log.entries) encoder.putEntry(entry);
  if (log.hardState.term > 0) encoder.putState(log.hardState);
  encoder.putSnapshotPosition(snapshot?.meta ?? BEGINNING);
  try {
    const file = await SegmentFile.create(directory, segmentAt(0, 0), encoder.take(), fileSystem);
    await file.close();
  } catch (cause) {
    throw new WalError("E_FAILED", "the log of the backup cannot be written", { cause });
  }
}

function newId(random: BackupOptions["random"]): NodeId {
  const bytes = new DataView(random(new Uint8Array(8)).buffer);
  // 0 means nobody.
  return nodeIdFromHalves(bytes.getUint32(0), (bytes.getUint32(4) | 1) >>> 0);
}
