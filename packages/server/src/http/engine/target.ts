// The target of a request line, taken apart. Hot path.

import { decodePath, findBadEscape } from "../percent.ts";

/** A request target taken apart. */
export interface Target {
  readonly rawPath: string;
  readonly path: string;
  readonly query: string;
}

/**
 * Takes a request target apart: `/path?query`, or absolute as proxies send it.
 *
 * @returns null when it has no path or a bad escape in it.
 */
export function parseTarget(url: string): Target | null {
  const start = url.startsWith("/") ? 0 : pathStart(url);
  if (start < 0) return null;
  const mark = url.indexOf("?", start);
  const rawPath = url.slice(start, mark < 0 ? url.length : mark);
  if (findBadEscape(rawPath) >= 0) return null;
  return { rawPath, path: decodePath(rawPath), query: mark < 0 ? "" : url.slice(mark + 1) };
}

/** Where the path of `http://host:port/path` starts, or -1. Only proxies send such a target, and only with these schemes. */
function pathStart(url: string): number {
  const origin = /^https?:\/\/[\x21-\x2e\x30-\x7e]*(?=\/)/i.exec(url);
  return origin === null ? -1 : origin[0].length;
}
