import { describe, expect, test } from "vitest";
import { entrySize } from "./codec/index.ts";
import { RaftLog } from "./log.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { COMPACTED, UNAVAILABLE } from "./storage.ts";
import { bytes, entriesOf, entryAt, snapshotAt } from "./cluster.test.support.ts";
import { EntryType, NONE, type Entry } from "./types.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** A log with these terms, stable through `stable`. */
function logOf(terms: readonly number[], options: { stable?: number; committed?: number } = {}): RaftLog {
  const storage = new MemoryStorage();
  const entries = entriesOf(terms);
  const stable = options.stable ?? 0;
  storage.append(entries.slice(0, stable));
  const log = new RaftLog(storage, NO_LIMIT);
  if (stable < entries.length) log.append(entries.slice(stable));
  log.commitTo(options.committed ?? 0);
  return log;
}

function termsOf(log: RaftLog): number[] {
  const entries = log.entries(log.firstIndex, NO_LIMIT);
  return entries === COMPACTED ? [] : (entries as readonly Entry[]).map((entry) => entry.term);
}

function pairs(list: readonly (readonly [number, number])[]): Entry[] {
  return list.map(([index, term]) => entryAt(index, term));
}

describe("B-01, B-05, A-20: maybeAppend to [1,2,3], committed 1", () => {
  test.for([
    ["a previous entry of another term", [3, 2], 3, [[4, 4]], -1, 1, [1, 2, 3]],
    ["a previous entry beyond the last", [4, 4], 3, [[5, 4]], -1, 1, [1, 2, 3]],
    ["no entries, commit at the last", [3, 3], 3, [], 3, 3, [1, 2, 3]],
    ["no entries, commit beyond the last", [3, 3], 4, [], 3, 3, [1, 2, 3]],
    ["no entries, commit below", [3, 3], 2, [], 3, 2, [1, 2, 3]],
    ["no entries, an older commit", [3, 3], 0, [], 3, 1, [1, 2, 3]],
    ["no entries at 0", [0, 0], 3, [], 0, 1, [1, 2, 3]],
    ["a new tail", [3, 3], 3, [[4, 4]], 4, 3, [1, 2, 3, 4]],
    ["a new tail, commit on it", [3, 3], 4, [[4, 4]], 4, 4, [1, 2, 3, 4]],
    ["a new tail, commit beyond it", [3, 3], 9, [[4, 4]], 4, 4, [1, 2, 3, 4]],
    [
      "what is there already",
      [0, 0],
      0,
      [
        [1, 1],
        [2, 2],
      ],
      2,
      1,
      [1, 2, 3],
    ],
    ["a conflict at the last", [2, 2], 3, [[3, 4]], 3, 3, [1, 2, 4]],
    [
      "a conflict in the middle",
      [1, 1],
      2,
      [
        [2, 4],
        [3, 4],
      ],
      3,
      2,
      [1, 4, 4],
    ],
    ["a conflict that shortens the log", [1, 1], 2, [[2, 4]], 2, 2, [1, 4]],
  ] as const)("of %s", ([, [index, term], commit, entries, last, committed, terms]) => {
    const log = logOf([1, 2, 3], { committed: 1 });

    expect(log.maybeAppend(index, term, commit, pairs(entries))).toBe(last);

    expect([log.committed, termsOf(log)]).toEqual([committed, terms]);
  });

  test("of a conflict with a committed entry is fatal", () => {
    const log = logOf([1, 2, 3], { committed: 1 });

    expect(() => log.maybeAppend(0, 0, 3, pairs([[1, 4]]))).toThrow("conflicts with a committed entry");
    expect(termsOf(log)).toEqual([1, 2, 3]);
  });
});

describe("B-02: findConflictByTerm on a log from 101 with terms [2,2,4,4,5], term 1 before it", () => {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotAt(100, 1, ["1"]));
  storage.append(entriesOf([2, 2, 4, 4, 5], 101));
  const log = new RaftLog(storage, NO_LIMIT);

  test.for([
    [105, 5, 105, 5],
    [105, 4, 104, 4],
    [105, 3, 102, 2],
    [105, 2, 102, 2],
    [105, 1, 100, 1],
    [99, 5, 99, 0],
    [105, 0, 99, 0],
  ] as const)("from %i with term %i it is (%i, %i)", ([index, term, found, foundTerm]) => {
    expect(log.findConflictByTerm(index, term)).toEqual({ index: found, term: foundTerm });
  });

  test("from the beginning of a log it is (0, 0)", () => {
    expect(logOf([3, 3]).findConflictByTerm(2, 1)).toEqual({ index: 0, term: 0 });
  });
});

test.for([
  [2, 4, true],
  [9, 4, true],
  [9, 2, false],
  [2, 3, false],
  [3, 3, true],
  [4, 3, true],
] as const)("B-03: (index %i, term %i) is up to date with (3, 3): %s", ([index, term, isUpToDate]) => {
  expect(logOf([1, 2, 3]).isUpToDate(index, term)).toBe(isUpToDate);
});

test.for([
  ["(3,2)", [[3, 2]], 3, [1, 2, 2]],
  ["(1,2) over index 1", [[1, 2]], 1, [2]],
  [
    "(2,3) and (3,3)",
    [
      [2, 3],
      [3, 3],
    ],
    2,
    [1, 3, 3],
  ],
] as const)("B-04: appending %s to stored [1,2]", ([, entries, offset, terms]) => {
  const log = logOf([1, 2], { stable: 2 });

  log.append(pairs(entries));

  expect([log.unstable.offset, termsOf(log)]).toEqual([offset, terms]);
});

test("B-06: after a compaction the rest of the log is as before", () => {
  const storage = new MemoryStorage();
  const terms = Array.from({ length: 1000 }, (_, i) => i + 1);
  storage.append(entriesOf(terms.slice(0, 750)));
  const log = new RaftLog(storage, NO_LIMIT);
  log.append(entriesOf(terms.slice(750), 751));
  log.commitTo(500);
  log.appliedTo(500, 0);

  storage.compact(500);

  expect([log.firstIndex, log.lastIndex]).toEqual([501, 1000]);
  expect([log.term(499), log.term(500), log.term(501), log.term(1000)]).toEqual([COMPACTED, 500, 501, 1000]);
  log.append([entryAt(1001, 1001)]);
  expect(log.lastIndex).toBe(1001);
});

test.for([
  [3, [4, 5]],
  [4, [5]],
  [5, []],
] as const)("B-07: with %i handed out and 5 committed the next are %o", ([applying, next]) => {
  const log = logOf([1, 1, 1, 1, 1], { committed: 5 });
  log.acceptApplying(applying, 0, true);
  log.appliedTo(applying, 0);

  expect(log.nextCommitted(true).map((entry) => entry.index)).toEqual(next);
  expect(log.hasNextCommitted(true)).toBe(next.length > 0);
});

test("B-08: nothing is handed out while a snapshot is not installed", () => {
  const log = logOf([1, 1], { committed: 1 });

  log.restore(snapshotAt(5, 2, ["1"]));

  expect(log.hasNextCommitted(true)).toBe(false);
  expect(log.nextCommitted(true)).toEqual([]);
});

test("B-09: the commit index never decreases, and beyond the log is fatal", () => {
  const log = logOf([1, 2, 3]);

  log.commitTo(3);
  log.commitTo(1);

  expect(log.committed).toBe(3);
  expect(() => log.commitTo(4)).toThrow("commit 4 is above the last index 3");
});

test("B-11: restoring a snapshot replaces the log", () => {
  const log = logOf([1, 1, 1, 1], { stable: 2 });

  log.restore(snapshotAt(9, 3, ["1"]));

  expect([log.committed, log.firstIndex, log.lastIndex, log.unstable.offset]).toEqual([9, 10, 9, 10]);
  expect([log.term(9), log.lastTerm]).toEqual([3, 3]);
});

test("B-12: a slice below the log is COMPACTED, above it or in disorder fatal, and may be empty", () => {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotAt(3, 1, ["1"]));
  storage.append(entriesOf([1, 1], 4));
  const log = new RaftLog(storage, NO_LIMIT);

  expect(log.slice(3, 5, NO_LIMIT)).toBe(COMPACTED);
  expect(log.slice(4, 4, NO_LIMIT)).toEqual([]);
  expect(() => log.slice(4, 7, NO_LIMIT)).toThrow("inside the log");
  expect(() => log.slice(5, 4, NO_LIMIT)).toThrow("ordered");
});

test("B-13: terms are known from the one before the first through the last", () => {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotAt(3, 1, ["1"]));
  storage.append(entriesOf([2, 2], 4));
  const log = new RaftLog(storage, NO_LIMIT);

  expect([2, 3, 4, 5, 6].map((index) => log.term(index))).toEqual([COMPACTED, 1, 2, 2, UNAVAILABLE]);

  log.restore(snapshotAt(8, 4, ["1"]));
  expect([7, 8, 9].map((index) => typeof log.term(index))).toEqual(["object", "number", "object"]);
});

describe("B-14: a slice across the stable and the unstable part", () => {
  const log = logOf([1, 1, 1, 1, 1, 1], { stable: 3 });
  const size = entrySize(entriesOf([1])[0]!);

  test.for([
    [1, 7, NO_LIMIT, 6],
    [1, 7, 0, 1],
    [1, 7, size, 1],
    [1, 7, 2 * size, 2],
    [1, 7, 3 * size, 3],
    [1, 7, 3 * size + 1, 3],
    [1, 7, 4 * size - 1, 3],
    [1, 7, 4 * size, 4],
    [1, 7, 6 * size - 1, 5],
    [3, 5, size, 1],
    [3, 5, 2 * size, 2],
    [4, 7, 0, 1],
    [4, 7, 2 * size, 2],
    [1, 3, NO_LIMIT, 2],
  ] as const)("[%i, %i) within %d bytes has %i entries", ([lo, hi, maxSizeBytes, count]) => {
    const entries = log.slice(lo, hi, maxSizeBytes);

    expect(entries).toEqual(entriesOf([1, 1, 1, 1, 1, 1]).slice(lo - 1, lo - 1 + count));
  });
});

describe("B-41: entries handed out are bounded by their size", () => {
  const data = bytes("x".repeat(32));
  const forty = (index: number): Entry => ({ term: 1, index, type: EntryType.Normal, data });

  function boundedLog(count: number): RaftLog {
    const log = new RaftLog(new MemoryStorage(), 100);
    log.append(Array.from({ length: count }, (_, i) => forty(i + 1)));
    log.commitTo(count);
    return log;
  }

  test("two of three entries of 40 bytes fit into 100, the third comes when they are applied", () => {
    const log = boundedLog(3);
    expect(entrySize(forty(1))).toBe(40);

    expect(log.nextCommitted(true).map((entry) => entry.index)).toEqual([1, 2]);
    log.acceptApplying(2, 80, true);
    expect(log.hasNextCommitted(true)).toBe(false);

    log.appliedTo(2, 80);
    expect(log.nextCommitted(true).map((entry) => entry.index)).toEqual([3]);
    log.acceptApplying(3, 40, true);
    log.appliedTo(3, 40);
    expect(log.applied).toBe(3);
  });

  test("a single entry above the limit is handed out alone", () => {
    const log = new RaftLog(new MemoryStorage(), 10);
    log.append([forty(1), forty(2)]);
    log.commitTo(2);

    expect(log.nextCommitted(true)).toHaveLength(1);
  });

  test("entries that are not stable are not handed out if that is asked for", () => {
    const log = logOf([1, 1, 1], { stable: 2, committed: 3 });

    expect(log.maxAppliableIndex(false)).toBe(2);
    expect(log.nextCommitted(false).map((entry) => entry.index)).toEqual([1, 2]);
  });
});

test("B-42: applied goes neither back nor beyond the commit index", () => {
  const log = logOf([1, 1, 1], { committed: 2 });
  log.appliedTo(1, 0);

  expect(() => log.appliedTo(0, 0)).toThrow("applied 0 is outside of [1, 2]");
  expect(() => log.appliedTo(3, 0)).toThrow("applied 3 is outside of [1, 2]");
});

test("B-38: a hard state whose commit is outside of the log is refused, naming both", () => {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotAt(3, 1, ["1"]));
  const log = new RaftLog(storage, NO_LIMIT);

  expect(() => log.loadCommit({ term: 1, vote: NONE, commit: 2 })).toThrow(
    "commit 2 of the hard state is outside of [3, 3]",
  );
  expect(() => log.loadCommit({ term: 1, vote: NONE, commit: 4 })).toThrow(
    "commit 4 of the hard state is outside of [3, 3]",
  );
});

test("appending at or below the commit index is fatal", () => {
  expect(() => logOf([1, 1], { committed: 2 }).append([entryAt(2, 2)])).toThrow(
    "at or below the commit index",
  );
});
