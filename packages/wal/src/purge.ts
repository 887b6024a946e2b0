// Removes the oldest files of a kind, beyond a number that is to be kept. Who may be removed is
// decided by the caller. Source: disk-format.md §9.

import * as path from "node:path";
import { WalError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";

/**
 * Removes files from the start of `oldestFirst` until at most `maxCount` are left, and stops before
 * the first that is not `removable`. 0 keeps all, as the flags of etcd mean it.
 *
 * @returns the names removed.
 * @throws {WalError} `E_IO`; files removed before stay removed.
 */
export async function purgeOldest(
  directory: string,
  oldestFirst: readonly string[],
  maxCount: number,
  removable: (name: string) => boolean,
  fileSystem: FileSystem,
): Promise<string[]> {
  const removed: string[] = [];
  if (maxCount === 0) return removed;
  for (const name of oldestFirst.slice(0, Math.max(0, oldestFirst.length - maxCount))) {
    if (!removable(name)) break;
    try {
      await fileSystem.remove(path.join(directory, name));
    } catch (cause) {
      throw new WalError("E_IO", `${name} cannot be removed`, { cause });
    }
    removed.push(name);
  }
  return removed;
}
