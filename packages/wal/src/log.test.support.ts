// Small logs on a simulated disk, for tests.

import { EntryType } from "@kv/raft";
import type { Entry, HardState, NodeId } from "@kv/raft";
import type { SimulatedDisk } from "./simulated-disk.test.support.ts";
import { Wal } from "./wal.ts";
import type { WalOptions } from "./wal.ts";

export const WAL_DIR = "/data/member/wal";
export const FIRST_SEGMENT_NAME = "0000000000000000-0000000000000000.wal";
export const BEGINNING = { index: 0, term: 0 } as const;
export const METADATA = {
  nodeId: "837219e913a142eb" as NodeId,
  clusterId: "5e9009d684e07c95" as NodeId,
} as const;

/** An entry whose data tells its index and term; `sizeBytes` of it. */
export function entryOf(index: number, term = 1, sizeBytes = 20): Entry {
  return { type: EntryType.Normal, term, index, data: new Uint8Array(sizeBytes).fill(index * 7 + term) };
}

export function entriesOf(from: number, through: number, term = 1, sizeBytes = 20): Entry[] {
  return Array.from({ length: through - from + 1 }, (_, i) => entryOf(from + i, term, sizeBytes));
}

export function stateOf(commit: number, term = 1): HardState {
  return { term, vote: "1" as NodeId, commit };
}

/** Options on a disk of its own, where there is nothing to lock. */
export function optionsOn(disk: SimulatedDisk, more: Partial<WalOptions> = {}): WalOptions {
  return { fileSystem: disk, lockless: true, ...more };
}

export function createLog(disk: SimulatedDisk, more: Partial<WalOptions> = {}): Promise<Wal> {
  return Wal.create(WAL_DIR, { ...optionsOn(disk, more), metadata: METADATA });
}

/** Opens and reads a log; it stays open. */
export async function reopen(
  disk: SimulatedDisk,
  at: { index: number; term: number } = BEGINNING,
): Promise<{ wal: Wal; hardState: HardState; entries: Entry[] }> {
  const wal = await Wal.open(WAL_DIR, { ...optionsOn(disk), at });
  const { hardState, entries } = await wal.readAll();
  return { wal, hardState, entries };
}

export function segmentNames(disk: SimulatedDisk): string[] {
  return [...disk.files.keys()].map((name) => name.slice(WAL_DIR.length + 1)).toSorted();
}
