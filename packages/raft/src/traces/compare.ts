// Comparing what a node did with what was recorded: a canonical text for each side, so that absent,
// zero and empty are one thing and sets have no order.

import type { TraceMessage } from "./trace-format.ts";

/** Members whose lists are sets. */
const SETS: ReadonlySet<string> = new Set(["voters", "learners", "outgoing", "learnersNext"]);

/** Members that number things within a recording and mean nothing elsewhere. */
const NUMBERING: ReadonlySet<string> = new Set(["id"]);

/** The first member that differs, with both sides; null if there is none. */
export function firstDifference(
  expected: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
  members: Iterable<string>,
): string | null {
  for (const member of members) {
    const wanted = canonical(expected[member]);
    const got = canonical(actual[member]);
    if (wanted !== got) return `${member}: recorded ${wanted}, got ${got}`;
  }
  return null;
}

/** A text that is equal for values that mean the same. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([key, member]) => !NUMBERING.has(key) && !isZero(member))
    .map(([key, member]) => `${key}:${SETS.has(key) ? canonicalSet(member) : canonical(member)}`);
  return `{${members.toSorted().join(",")}}`;
}

/** Messages by recipient; their order counts for each recipient alone. */
export function byRecipient(messages: readonly TraceMessage[]): Record<string, TraceMessage[]> {
  const groups: Record<string, TraceMessage[]> = {};
  for (const message of messages) (groups[message.to] ??= []).push(message);
  return groups;
}

function canonicalSet(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(canonical).toSorted().join(",")}]` : canonical(value);
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === "" || value === false) return true;
  if (value === "0") return true;
  return Array.isArray(value) && value.length === 0;
}
