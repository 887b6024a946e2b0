import { describe, expect, test } from "vitest";
import { UnstableLog } from "./log-unstable.ts";
import { entriesOf, snapshotAt } from "./cluster.test.support.ts";

/** Entries from 5 on with these terms, perhaps a snapshot at 4, the first `inProgress` of them handed out. */
function unstable(
  terms: readonly number[],
  options: { snapshot?: boolean; inProgress?: number } = {},
): UnstableLog {
  const log = new UnstableLog(5);
  if (options.snapshot === true) log.restore(snapshotAt(4, 1, ["1"]));
  if (terms.length > 0) log.truncateAndAppend(entriesOf(terms, 5));
  log.offsetInProgress = 5 + (options.inProgress ?? 0);
  return log;
}

function termsOf(log: UnstableLog): number[] {
  return log.peek().map((entry) => entry.term);
}

test.for([
  ["nothing", unstable([1]), 0],
  ["a snapshot at 4", unstable([], { snapshot: true }), 5],
  ["a snapshot at 4 and entries", unstable([1], { snapshot: true }), 5],
] as const)("B-16: with %s the first index is determined as %i", ([, log, first]) => {
  expect(log.maybeFirstIndex()).toBe(first);
});

test.for([
  ["entries", unstable([1]), 5],
  ["entries and a snapshot", unstable([1], { snapshot: true }), 5],
  ["a snapshot", unstable([], { snapshot: true }), 4],
  ["nothing", unstable([]), -1],
] as const)("B-17: with %s the last index is determined as %i", ([, log, last]) => {
  expect(log.maybeLastIndex()).toBe(last);
});

test.for([
  ["inside", unstable([1, 2]), 6, 2],
  ["below", unstable([1]), 4, -1],
  ["above", unstable([1]), 6, -1],
  ["at the snapshot, with entries", unstable([2], { snapshot: true }), 4, 1],
  ["at the snapshot, without entries", unstable([], { snapshot: true }), 4, 1],
  ["below the snapshot", unstable([], { snapshot: true }), 3, -1],
  ["in an empty log", unstable([]), 5, -1],
] as const)("B-18: the term %s is %s", ([, log, index, term]) => {
  expect(log.maybeTerm(index)).toBe(term);
});

test("B-19: restore clears entries and marks", () => {
  const log = unstable([1, 1], { snapshot: true, inProgress: 1 });
  log.snapshotInProgress = true;

  log.restore(snapshotAt(9, 2, ["1"]));

  expect([log.offset, log.offsetInProgress, log.length, log.snapshotInProgress]).toEqual([10, 10, 0, false]);
  expect(log.maybeTerm(9)).toBe(2);
});

test.for([
  [0, [1, 2]],
  [1, [2]],
  [2, []],
] as const)("B-20: with %i of two entries in progress the next are %o", ([inProgress, next]) => {
  expect(
    unstable([1, 2], { inProgress })
      .nextEntries()
      .map((entry) => entry.term),
  ).toEqual(next);
});

test("B-21: the next snapshot is none, the one present, none again once it is in progress", () => {
  const log = unstable([]);
  expect(log.nextSnapshot()).toBeNull();

  log.restore(snapshotAt(4, 1, ["1"]));
  expect(log.nextSnapshot()).not.toBeNull();

  log.acceptInProgress();
  expect(log.nextSnapshot()).toBeNull();
});

test.for([
  ["nothing", unstable([]), 5, false],
  ["entries", unstable([1, 2]), 7, false],
  ["a snapshot", unstable([], { snapshot: true }), 5, true],
  ["both", unstable([1, 2], { snapshot: true }), 7, true],
] as const)("B-22: acceptInProgress marks %s, and again the same", ([, log, offset, isSnapshot]) => {
  for (let i = 0; i < 2; i++) {
    log.acceptInProgress();
    expect([log.offsetInProgress, log.snapshotInProgress]).toEqual([offset, isSnapshot]);
  }
});

describe("B-23, B-24: stableTo", () => {
  test.for([
    ["drops entries through an exact position", [1, 2, 2], 6, 2, 7, [2]],
    ["drops everything", [1, 1], 6, 1, 7, []],
    ["ignores another term", [1, 2], 6, 1, 5, [1, 2]],
    ["ignores an index below the offset", [1, 2], 4, 1, 5, [1, 2]],
    ["ignores an index above the last", [1, 2], 7, 2, 5, [1, 2]],
  ] as const)("%s", ([, before, index, term, offset, after]) => {
    const log = unstable(before, { inProgress: 2 });

    log.stableTo(index, term);

    expect([log.offset, termsOf(log)]).toEqual([offset, after]);
    expect(log.offsetInProgress).toBe(7);
  });

  test("ignores the index of a snapshot", () => {
    const log = unstable([1], { snapshot: true });

    log.stableTo(4, 1);

    expect(log.offset).toBe(5);
    expect(log.snapshot).not.toBeNull();
  });

  test("never leaves offsetInProgress behind the offset", () => {
    const log = unstable([1, 1]);

    log.stableTo(6, 1);

    expect(log.offsetInProgress).toBe(7);
  });
});

test("B-25: stableSnapTo drops the snapshot of exactly that index", () => {
  const log = unstable([], { snapshot: true });

  log.stableSnapTo(3);
  expect(log.snapshot).not.toBeNull();

  log.stableSnapTo(4);
  expect(log.snapshot).toBeNull();
});

describe("B-26: truncateAndAppend", () => {
  test.for([
    ["at the end", [1, 1], 0, 7, [2], 5, 5, [1, 1, 2]],
    ["at the end, in progress", [1, 1], 2, 7, [2], 5, 7, [1, 1, 2]],
    ["at the offset", [1, 1], 1, 5, [2], 5, 5, [2]],
    ["below the offset", [1, 1], 2, 3, [2, 2], 3, 3, [2, 2]],
    ["in the middle", [1, 1, 1], 1, 6, [2], 5, 6, [1, 2]],
    ["in the middle, in progress", [1, 1, 1], 3, 6, [2], 5, 6, [1, 2]],
    ["in the middle, behind what is in progress", [1, 1, 1], 1, 7, [2], 5, 6, [1, 1, 2]],
  ] as const)("%s", ([, before, inProgress, from, appended, offset, offsetInProgress, after]) => {
    const log = unstable(before, { inProgress });

    log.truncateAndAppend(entriesOf(appended, from));

    expect([log.offset, log.offsetInProgress, termsOf(log)]).toEqual([offset, offsetInProgress, after]);
  });

  test("of a gap is fatal", () => {
    expect(() => unstable([1]).truncateAndAppend(entriesOf([1], 7))).toThrow("gaps");
  });
});

test("B-27: entries that were handed out stay as they were when the log is truncated", () => {
  const log = unstable([1, 1, 1]);
  const given = log.nextEntries();

  log.truncateAndAppend(entriesOf([2, 2], 6));
  log.stableTo(6, 2);

  expect(given.map((entry) => entry.term)).toEqual([1, 1, 1]);
});

test("B-28: a late confirmation of an entry that was overwritten twice makes nothing stable", () => {
  const log = unstable([1, 1]);
  log.acceptInProgress();
  log.truncateAndAppend(entriesOf([2, 2], 5));
  log.truncateAndAppend(entriesOf([3, 3], 5));

  log.stableTo(6, 1);
  expect([log.offset, termsOf(log)]).toEqual([5, [3, 3]]);

  log.stableTo(6, 3);
  expect([log.offset, termsOf(log)]).toEqual([7, []]);
});
