// CPU time of other processes, from /proc (Linux).

import { readFileSync } from "node:fs";

/** The kernel's unit for times in /proc: USER_HZ, 100 on all Linux platforms that Node runs on. */
const TICKS_PER_SECOND = 100;

/** User and system time that these processes have used so far, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuTicks(pid), 0) / TICKS_PER_SECOND;
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name in parentheses may contain blanks; the fields after it start with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[14 - 3]) + Number(fields[15 - 3]);
}
