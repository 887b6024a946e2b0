// Replaying recorded executions of real raft implementations: which comparison a recording gets, and
// how much of it has to match.

import { replaySettled } from "./replay-settled.ts";
import { replayStrict } from "./replay-strict.ts";
import type { Trace } from "./trace-format.ts";

/** How far a replay came. */
export interface ReplayResult {
  /** Events without a difference, counted from the first. */
  readonly matched: number;
  /** The first difference; null if there is none. */
  readonly difference: string | null;
}

/** What a replay shows about one recording. */
export interface Verdict {
  readonly name: string;
  readonly isPassed: boolean;
  readonly text: string;
}

/** Classes of `etcd2` recordings that a modern core replays without any difference. */
const SETTLED_CLASSES: ReadonlySet<string> = new Set([
  "calm",
  "single",
  "two",
  "batched",
  "lossy",
  "partition5",
  "crash",
  "snapshot",
  "flow",
  "flow0",
  "bigids",
  "divergent",
]);

/**
 * How many events of the other `etcd2` recordings a modern core replays at least; it then differs for
 * known reasons (points 5, 6, 14, 15 and 16 of the table in raft.md §15.2). Others: all events.
 */
const MINIMUM_EVENT_COUNTS: ReadonlyMap<string, number> = new Map([
  ["v2-044-confchange", 106],
  ["v2-046-confchange", 428],
  ["v2-051-checkquorum", 1145],
  ["v2-053-checkquorum", 99],
  ["v2-060-chaos", 3285],
  ["v2-062-chaos", 1616],
  ["v2-064-chaos", 2744],
]);

/** Replays a recording with the comparison that its profile requires. */
export function replay(trace: Trace): ReplayResult {
  return trace.header.profile === "modern" ? replayStrict(trace) : replaySettled(trace);
}

/** Replays a recording and says whether enough of it matched. */
export function judge(trace: Trace): Verdict {
  const { name, class: traceClass } = trace.header;
  const { matched, difference } = replay(trace);
  const all = trace.events.length;
  const isWhole = trace.header.profile === "modern" || SETTLED_CLASSES.has(traceClass);
  const required = isWhole ? all : (MINIMUM_EVENT_COUNTS.get(name) ?? all);
  const isPassed = matched >= required && (difference === null || !isWhole);
  const text = `${matched} of ${all} events${difference === null ? "" : `, then ${difference}`}`;
  return { name, isPassed, text };
}
