// Where compiled code is kept from one start to the next: a tenth of what a start takes.

import { mkdirSync, statSync } from "node:fs";

/** Permissions of group and others to write. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * A directory for compiled code below the user's own for such things (XDG), made if it is missing; null: there is
 * none.
 *
 * Whoever can write there can have code run by us. So it is not Node's default, which lies below the directory for
 * temporary files, and everything that leads to it from HOME or XDG_CACHE_HOME on belongs to the user alone.
 */
export function codeCacheDirectory(environment: Readonly<Record<string, string | undefined>>): string | null {
  const { XDG_CACHE_HOME: cacheHome = "", HOME: home = "" } = environment;
  if (cacheHome.startsWith("/")) return ownDirectory([cacheHome, `${cacheHome}/kvctl`]);
  if (home.startsWith("/")) return ownDirectory([home, `${home}/.cache`, `${home}/.cache/kvctl`]);
  return null;
}

/** The last of directories in one another, if all are the user's alone; the first is not made. */
function ownDirectory(directories: readonly string[]): string | null {
  try {
    for (const [depth, directory] of directories.entries()) {
      if (depth > 0) mkdirSync(directory, { recursive: true, mode: 0o700 });
      const { uid, mode } = statSync(directory);
      if (uid !== process.geteuid?.() || (mode & WRITABLE_BY_OTHERS) !== 0) return null;
    }
  } catch {
    return null; // not there, or not for us to see or to make
  }
  return directories.at(-1) ?? null;
}
