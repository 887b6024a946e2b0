// What a waiting long poll costs, and how long one write takes to reach all of them.

import { readFileSync } from "node:fs";
import { put } from "../apps/kvd/test/harness/keys.ts";
import { openWatchers } from "../apps/kvd/test/harness/watchers.ts";
import type { Program } from "./report.ts";

/** One write to many waiting clients of one member. Times are milliseconds after the write was sent. */
export interface FanOut {
  readonly program: Program;
  readonly watchers: number;
  /** Growth of the server's resident memory by one waiting client. */
  readonly bytesPerWatcher: number;
  readonly answeredMs: number;
  readonly lastDeliveryMs: number;
}

/** Lets `count` clients wait at a member, then writes once. */
export async function measureFanOut(
  program: Program,
  member: { readonly clientUrl: string; readonly pid: number },
  count: number,
): Promise<FanOut> {
  const path = `/watched-${count}`;
  const before = residentBytes(member.pid);
  using watchers = await openWatchers(member.clientUrl, path, count);
  const bytesPerWatcher = (residentBytes(member.pid) - before) / count;
  const start = performance.now();
  const answered = put(member.clientUrl, path, "v".repeat(64)).then(() => performance.now());
  const last = await watchers.delivered;
  return {
    program,
    watchers: count,
    bytesPerWatcher,
    answeredMs: (await answered) - start,
    lastDeliveryMs: last - start,
  };
}

/** A table in Markdown. */
export function fanOutTable(rows: readonly FanOut[]): string {
  const head =
    "| watchers | program | KiB per watcher | write answered ms | last delivery ms |\n|---:|---|---:|---:|---:|";
  const lines = rows.map(
    ({ program, watchers, bytesPerWatcher, answeredMs, lastDeliveryMs }) =>
      `| ${watchers} | ${program} | ${(bytesPerWatcher / 1024).toFixed(1)} | ${answeredMs.toFixed(1)} | ${lastDeliveryMs.toFixed(0)} |`,
  );
  return [head, ...lines].join("\n");
}

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Number(kibibytes) * 1024;
}
