// What a sample cost: CPU time of the server, and how much of the machine others used meanwhile.

import { cpuSeconds, machineTime, ownCpuSeconds } from "./cpu-time.ts";
import type { MachineTime } from "./cpu-time.ts";

export interface CpuUse {
  /** Of all processes of the server. */
  readonly cpuSeconds: number;
  /** Share of the machine, 0 to 1, that went neither to the server nor to the load generator. */
  readonly foreignShare: number;
}

/** Starts to measure; the function that it gives ends that, after wrk has ended. */
export function startMeter(serverPids: readonly number[], wrkPid: number): () => CpuUse {
  const machine = machineTime();
  const server = cpuSeconds(serverPids);
  // wrk counts here as it is now, and among the ended children of this process at the end.
  const own = ownCpuSeconds() + cpuSeconds([wrkPid]);
  return () => {
    const serverSeconds = cpuSeconds(serverPids) - server;
    const ours = serverSeconds + ownCpuSeconds() - own;
    return { cpuSeconds: serverSeconds, foreignShare: foreignShare(machine, machineTime(), ours) };
  };
}

/** The share of the machine between two moments that was not `ourSeconds`. Never below 0: clocks tick coarsely. */
export function foreignShare(from: MachineTime, to: MachineTime, ourSeconds: number): number {
  const foreign = to.busySeconds - from.busySeconds - ourSeconds;
  return Math.max(0, foreign / (to.totalSeconds - from.totalSeconds));
}
