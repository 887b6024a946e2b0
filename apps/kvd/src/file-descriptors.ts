// How many file descriptors this process may open, and how many it has open. Linux tells in /proc.

import { readdirSync, readFileSync } from "node:fs";

/** The soft limit; 0 where the system does not tell, or when there is none. */
export function fileDescriptorLimit(): number {
  const limits = readIfThere("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
}

/** null where the system does not tell. */
export function openFileDescriptors(): number | null {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one of them was open for the list itself
  } catch {
    return null; // not on this system
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // not on this system
  }
}
