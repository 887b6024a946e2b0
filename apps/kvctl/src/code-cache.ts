// Where compiled code is kept from one start to the next: a tenth of what a start takes.

/**
 * A directory for compiled code below the user's own for such things (XDG); null: there is none.
 *
 * Whoever can write there can have code run by us. So it is not Node's default, which lies below the directory for
 * temporary files, nor that of somebody else whose HOME was kept by sudo.
 */
export function codeCacheDirectory(environment: Readonly<Record<string, string | undefined>>): string | null {
  const { XDG_CACHE_HOME: cacheHome = "", HOME: home = "" } = environment;
  if (cacheHome.startsWith("/")) return isOwn(cacheHome) ? `${cacheHome}/kvctl` : null;
  return home.startsWith("/") && isOwn(home) ? `${home}/.cache/kvctl` : null;
}

function isOwn(directory: string): boolean {
  try {
    // Not imported: the bundler would share it with files that are to be loaded later.
    return process.getBuiltinModule("node:fs").statSync(directory).uid === process.geteuid?.();
  } catch {
    return false; // not there, or not for us to see
  }
}
