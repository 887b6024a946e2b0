// CPU time of processes and of the machine, from /proc (Linux).

import { readFileSync } from "node:fs";

/** The kernel's unit for times in /proc: USER_HZ, 100 on all Linux platforms that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Time that all CPUs together have spent, in seconds since the start of the machine. */
export interface MachineTime {
  /** With work of any kind, interrupts, and other guests of the same host. */
  readonly busySeconds: number;
  readonly totalSeconds: number;
}

/** User and system time that these processes have used so far, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processTime(statOf(pid)).ownSeconds, 0);
}

/** The same of this process and of those of its children that have ended. */
export function ownCpuSeconds(): number {
  const { ownSeconds, endedChildrenSeconds } = processTime(statOf("self"));
  return ownSeconds + endedChildrenSeconds;
}

/** What the machine has done so far. */
export function machineTime(stat: string = readFileSync("/proc/stat", "latin1")): MachineTime {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1];
  if (line === undefined) throw new Error("/proc/stat has no line about all CPUs");
  // Guests of this machine, the last two fields, are in the first two already.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(" ")
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const busySeconds = user + nice + system + irq + softirq + steal;
  return { busySeconds, totalSeconds: busySeconds + idle + iowait };
}

/** The CPU times in a line of /proc/PID/stat. */
export function processTime(stat: string): { ownSeconds: number; endedChildrenSeconds: number } {
  // The name in parentheses may contain blanks; the fields after it start with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (field: number) => Number(fields[field - 3]) / TICKS_PER_SECOND;
  return { ownSeconds: seconds(14) + seconds(15), endedChildrenSeconds: seconds(16) + seconds(17) };
}

function statOf(pid: number | "self"): string {
  return readFileSync(`/proc/${pid}/stat`, "latin1");
}
