import { describe, expect, test } from "vitest";
import { entrySize } from "./codec/index.ts";
import { RaftError } from "./errors.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { COMPACTED, UNAVAILABLE } from "./storage.ts";
import { entriesOf, entryAt, id, snapshotAt } from "./cluster.test.support.ts";
import { EMPTY_CONF_STATE, type Entry } from "./types.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Entries 4, 5, 6 of terms 4, 5, 6 behind a snapshot at 3. */
function storageFrom3(terms: readonly number[] = [4, 5, 6]): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot(snapshotAt(3, 3, ["1"]));
  storage.append(entriesOf(terms, 4));
  return storage;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RaftError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

function indexAndTerm(entries: unknown): unknown {
  return Array.isArray(entries) ? entries.map((entry: Entry) => [entry.index, entry.term]) : entries;
}

describe("B-29: the term of an entry", () => {
  test.for([
    [2, COMPACTED],
    [3, 3],
    [4, 4],
    [6, 6],
    [7, UNAVAILABLE],
  ] as const)("of index %i is %o", ([index, term]) => {
    expect(storageFrom3().term(index)).toBe(term);
  });
});

describe("B-30: entries are cut to a prefix of at most the size, but at least one", () => {
  const sizes = entriesOf([4, 5, 6], 4).map(entrySize);
  const [first = 0, second = 0, third = 0] = sizes;
  const all = first + second + third;
  test.for([
    [0, 1],
    [first, 1],
    [first + second, 2],
    [all - 1, 2],
    [all, 3],
    [all + 1, 3],
  ] as const)("%i bytes give %i entries", ([maxSizeBytes, count]) => {
    expect(storageFrom3().entries(4, 7, maxSizeBytes)).toHaveLength(count);
  });

  test("entries at or below the point of compaction are COMPACTED, above the last is an error", () => {
    expect(storageFrom3().entries(3, 5, NO_LIMIT)).toBe(COMPACTED);
    expect(codeOf(() => storageFrom3().entries(4, 8, NO_LIMIT))).toBe("E_UNAVAILABLE");
  });
});

test("B-31: firstIndex and lastIndex follow append, compact and applySnapshot", () => {
  const storage = new MemoryStorage();
  expect([storage.firstIndex(), storage.lastIndex()]).toEqual([1, 0]);

  storage.append(entriesOf([1, 1, 1]));
  expect([storage.firstIndex(), storage.lastIndex()]).toEqual([1, 3]);

  storage.compact(2);
  expect([storage.firstIndex(), storage.lastIndex()]).toEqual([3, 3]);

  storage.applySnapshot(snapshotAt(9, 2, ["1"]));
  expect([storage.firstIndex(), storage.lastIndex()]).toEqual([10, 9]);
});

describe("B-10, B-32: compaction", () => {
  test.for([
    [300, 700],
    [500, 500],
    [800, 200],
    [900, 100],
    [1000, 0],
  ] as const)("to %i of 1000 leaves %i entries and the term of the last one gone", ([index, left]) => {
    const storage = new MemoryStorage();
    storage.append(entriesOf(Array.from({ length: 1000 }, (_, i) => i + 1)));

    expect(storage.compact(index)).toBeNull();

    expect(storage.lastIndex() - storage.firstIndex() + 1).toBe(left);
    expect(storage.term(index)).toBe(index);
    expect(storage.term(index - 1)).toBe(COMPACTED);
  });

  test("to the dummy is COMPACTED, above the last is an error", () => {
    expect(storageFrom3().compact(3)).toBe(COMPACTED);
    expect(codeOf(() => storageFrom3().compact(7))).toBe("E_UNAVAILABLE");
  });
});

describe("B-33: createSnapshot", () => {
  const confState = { ...EMPTY_CONF_STATE, voters: ["1", "2"].map(id) };

  test("takes the term from the log and the given configuration", () => {
    const storage = storageFrom3();

    const snapshot = storage.createSnapshot(5, confState, new Uint8Array([7]));

    expect(snapshot).toEqual({ meta: { index: 5, term: 5, confState }, data: new Uint8Array([7]) });
    expect(storage.snapshot()).toBe(snapshot);
    expect(storage.firstIndex()).toBe(4);
  });

  test("without a configuration keeps the former", () => {
    const storage = storageFrom3();

    storage.createSnapshot(5, confState, null);

    expect(storage.createSnapshot(6, null, null).meta.confState).toBe(confState);
  });

  test("refuses an older index and one above the log", () => {
    expect(codeOf(() => storageFrom3().createSnapshot(3, confState, null))).toBe("E_SNAP_OUT_OF_DATE");
    expect(codeOf(() => storageFrom3().createSnapshot(7, confState, null))).toBe("E_UNAVAILABLE");
  });
});

describe("B-34: append", () => {
  test.for([
    [
      "nothing",
      [],
      [
        [4, 4],
        [5, 5],
        [6, 6],
      ],
    ],
    [
      "duplicates",
      [
        [4, 4],
        [5, 5],
        [6, 6],
      ],
      [
        [4, 4],
        [5, 5],
        [6, 6],
      ],
    ],
    [
      "an overlap of other terms",
      [
        [5, 7],
        [6, 7],
      ],
      [
        [4, 4],
        [5, 7],
        [6, 7],
      ],
    ],
    ["a shorter overlap", [[4, 8]], [[4, 8]]],
    [
      "entries that begin below the compaction",
      [
        [2, 2],
        [3, 3],
        [4, 9],
      ],
      [[4, 9]],
    ],
    [
      "entries wholly below the compaction",
      [
        [2, 2],
        [3, 3],
      ],
      [
        [4, 4],
        [5, 5],
        [6, 6],
      ],
    ],
    [
      "the next entries",
      [[7, 7]],
      [
        [4, 4],
        [5, 5],
        [6, 6],
        [7, 7],
      ],
    ],
  ] as const)("of %s", ([, appended, log]) => {
    const storage = storageFrom3();

    storage.append(appended.map(([index, term]) => entryAt(index, term)));

    expect(indexAndTerm(storage.entries(4, storage.lastIndex() + 1, NO_LIMIT))).toEqual(log);
  });

  test("of a gap is an error", () => {
    expect(codeOf(() => storageFrom3().append([entryAt(8, 8)]))).toBe("E_UNAVAILABLE");
  });

  test("does not change an array that was returned", () => {
    const storage = storageFrom3();
    const returned = storage.entries(4, 7, NO_LIMIT);

    storage.append([entryAt(4, 9)]);

    expect(indexAndTerm(returned)).toEqual([
      [4, 4],
      [5, 5],
      [6, 6],
    ]);
  });
});

test("B-35: applySnapshot refuses an older one and replaces the log by a newer one", () => {
  const storage = storageFrom3();

  expect(codeOf(() => storage.applySnapshot(snapshotAt(3, 3, ["1"])))).toBe("E_SNAP_OUT_OF_DATE");
  storage.applySnapshot(snapshotAt(5, 9, ["1", "2"]));

  expect(storage.lastIndex()).toBe(5);
  expect(storage.term(5)).toBe(9);
  expect(storage.initialState().confState.voters).toEqual(["1", "2"]);
});

test("B-39: a million appends with a compaction each keep every answer right", () => {
  const storage = new MemoryStorage();
  const started = process.cpuUsage().user;

  for (let index = 1; index <= 1_000_000; index++) {
    storage.append([entryAt(index, index)]);
    if (index > 100) storage.compact(index - 100);
  }

  expect([storage.firstIndex(), storage.lastIndex()]).toEqual([999_901, 1_000_000]);
  expect(storage.term(999_950)).toBe(999_950);
  // Moving the 100 remaining entries at each compaction would already cost more than this.
  expect(process.cpuUsage().user - started).toBeLessThan(5_000_000);
});
