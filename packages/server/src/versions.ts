// Server and cluster versions: major.minor decides, the patch number does not (peer-protocol.md §12).

/** Whether `a` is a lower release than `b`; only major and minor count. Unreadable versions are lowest. */
export function isLowerRelease(a: string, b: string): boolean {
  const [aMajor, aMinor] = release(a);
  const [bMajor, bMinor] = release(b);
  return aMajor !== bMajor ? aMajor < bMajor : aMinor < bMinor;
}

/** `2.3.8` as a cluster version: `2.3.0`. */
export function clusterVersionOf(version: string): string {
  const [major, minor] = release(version);
  return `${major}.${minor}.0`;
}

/** Whether a text is a version at all (`not_decided` is none). */
export function isVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+/.test(text);
}

function release(version: string): readonly [number, number] {
  const match = /^(\d+)\.(\d+)\./.exec(version);
  return match === null ? [0, 0] : [Number(match[1]), Number(match[2])];
}
