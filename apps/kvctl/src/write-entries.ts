// Writes entries to a server, for `import`: whatever the source. A write that may have been carried out is
// repeated, because a second time changes nothing.

import { EtcdError, EtcdErrorCode } from "@kv/client";
import type { Client } from "@kv/client";
import type { Entry } from "./subtree.ts";

/** How to write. */
export interface WriteEntriesOptions {
  /** In front of all keys, without a slash at its end. */
  readonly root: string;
  /** How many files are written at a time; at least 1. */
  readonly concurrency: number;
  /** Called after each entry. */
  readonly onWritten: (entry: Entry) => void;
}

/**
 * Writes all entries: directories first, one after the other, then the files. Not ended by --total-timeout:
 * what is to be written may be much.
 *
 * @throws what the client throws for the first entry that fails; nothing new is begun then
 */
export async function writeEntries(
  client: Client,
  entries: readonly Entry[],
  { root, concurrency, onWritten }: WriteEntriesOptions,
): Promise<void> {
  for (const entry of entries) {
    if (entry.value !== null) continue;
    await writeDirectory(client, root + entry.key, entry.ttl);
    onWritten(entry);
  }
  // Shared by all workers, so each file is written by one of them.
  const files = entries.values();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    for (const entry of files) {
      if (hasFailed) return;
      if (entry.value === null) continue;
      try {
        await client.keys.set(root + entry.key, entry.value, {
          ttl: entry.ttl ?? undefined,
          idempotent: true,
        });
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      onWritten(entry);
    }
  };
  const workers = Array.from({ length: concurrency }, work);
  // All of them have ended before the count is told.
  await Promise.allSettled(workers);
  await Promise.all(workers);
}

async function writeDirectory({ keys }: Client, path: string, ttl: number | null): Promise<void> {
  if (path === "") return; // The root is there and cannot be written.
  const options = { ttl: ttl ?? undefined, idempotent: true };
  try {
    await keys.mkdir(path, options);
  } catch (error) {
    if (!(error instanceof EtcdError && error.errorCode === EtcdErrorCode.KeyExists)) throw error;
    await keys.updateDir(path, options);
  }
}
