// Cleaning and cutting store paths: "/" + components without empty ones, "." or "..". Hot path.

import { EtcdError, ErrorCode } from "./errors.ts";

/**
 * Levels a path may have; deeper ones are refused with error 209. etcd has no limit and spends
 * gigabytes on a path of 100,000 levels (client-api.md §18).
 */
export const MAX_PATH_DEPTH = 1_000;

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Returns the canonical form of a path: leading slash, no trailing one (except the root itself),
 * `.`, `..` and empty components resolved.
 *
 * A path that is clean already is returned as it is.
 *
 * @throws {EtcdError} 209 (index 0) when it has more than `MAX_PATH_DEPTH` levels.
 */
export function cleanPath(path: string): string {
  const depth = cleanDepth(path);
  if (depth === -1) return cleanSlowly(path);
  if (depth > MAX_PATH_DEPTH) throw tooDeep();
  return path;
}

/** Whether `path` lies strictly below `directory`; both are clean. */
export function isBelow(path: string, directory: string): boolean {
  if (directory.length === 1) return path.length > 1;
  return (
    path.length > directory.length &&
    path.charCodeAt(directory.length) === SLASH &&
    path.startsWith(directory)
  );
}

/** Whether a component of `path` below `directory` (itself or an ancestor) starts with `_`. */
export function isHiddenBelow(path: string, directory: string): boolean {
  return path.includes("/_", directory.length === 1 ? 0 : directory.length);
}

/** Number of components of a clean path, or -1 if it is not clean. */
function cleanDepth(path: string): number {
  const length = path.length;
  if (length === 0 || path.charCodeAt(0) !== SLASH) return -1;
  if (length === 1) return 0;
  if (path.charCodeAt(length - 1) === SLASH) return -1;
  let depth = 1;
  let componentStart = 1;
  for (let i = 1; i < length; i++) {
    const code = path.charCodeAt(i);
    if (code === DOT && i === componentStart && isDots(path, i)) return -1;
    if (code !== SLASH) continue;
    if (i === componentStart) return -1;
    componentStart = i + 1;
    depth++;
  }
  return depth;
}

/** Whether the component starting at `start` with a dot is `.` or `..`. */
function isDots(path: string, start: number): boolean {
  const end = path.charCodeAt(start + 1) === DOT ? start + 2 : start + 1;
  return end === path.length || path.charCodeAt(end) === SLASH;
}

function cleanSlowly(path: string): string {
  const components: string[] = [];
  for (const component of path.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") components.pop();
    else components.push(component);
  }
  if (components.length > MAX_PATH_DEPTH) throw tooDeep();
  return `/${components.join("/")}`;
}

function tooDeep(): EtcdError {
  return new EtcdError(ErrorCode.InvalidField, `key has more than ${MAX_PATH_DEPTH} levels`, 0);
}
