// Which members can work with each other. Only major and minor count; a missing header means 2.0.0,
// the last version that sent none. Spec: peer-protocol.md §3, §12.

import { TransportError } from "./errors.ts";

/** A version of a server or of a cluster. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What a member announces: its own version and the lowest cluster version it can work with. */
export interface VersionPair {
  readonly server: string;
  readonly minCluster: string;
}

/** The version of members that do not tell theirs. */
export const UNANNOUNCED_VERSION = "2.0.0";

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?$/;

/**
 * Reads `2.3.8` or `2.3.0-alpha.1+git`; what follows the patch level is dropped.
 *
 * @throws {TransportError} E_VERSION
 */
export function parseVersion(text: string): Version {
  const match = VERSION.exec(text);
  if (match === null) throw new TransportError("E_VERSION", `"${text}" is not a version`);
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

/** Negative, 0 or positive, by major and minor only. */
export function compareMinorVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor;
}

/** Whether two members may talk: neither is older than the other one can bear. A version that cannot be read is incompatible. */
export function areCompatible(local: VersionPair, remote: VersionPair): boolean {
  try {
    return (
      compareMinorVersions(parseVersion(remote.server), parseVersion(local.minCluster)) >= 0 &&
      compareMinorVersions(parseVersion(remote.minCluster), parseVersion(local.server)) <= 0
    );
  } catch (error) {
    if (error instanceof TransportError && error.code === "E_VERSION") return false;
    throw error;
  }
}
