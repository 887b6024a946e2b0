// How many file descriptors this process may open. Linux tells in /proc.

import { readFileSync } from "node:fs";

/** The soft limit; 0 where the system does not tell, or when there is none. */
export function fileDescriptorLimit(): number {
  const limits = readIfThere("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // not on this system
  }
}
