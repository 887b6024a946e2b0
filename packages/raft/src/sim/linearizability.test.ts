// The checker against recorded histories with known verdicts, against small ones made by hand, against
// trying all orders, and against the clock.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RegisterOperation } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import { RandomStream } from "./random-stream.ts";

type Row = [
  client: number,
  f: RegisterOperation["f"],
  arg: RegisterOperation["arg"],
  call: number,
  end: number | null,
  out: RegisterOperation["out"],
];

const recorded = JSON.parse(
  gunzipSync(
    readFileSync(
      join(import.meta.dirname, "../../../../conformance/linearizability/register-histories.json.gz"),
    ),
  ).toString(),
) as { histories: { name: string; linearizable: boolean; ops: Row[] }[] };

function history(rows: readonly Row[], key = 0): RegisterOperation[] {
  return rows.map(([client, f, arg, call, end, out]) => ({ client, key, f, arg, call, return: end, out }));
}

const isLinearizable = (operations: readonly RegisterOperation[]): boolean => {
  const { kind } = checkLinearizable(operations);
  expect(kind).not.toBe("undecided");
  return kind === "linearizable";
};

test("recorded histories of both verdicts are found at all", () => {
  expect(recorded.histories).toHaveLength(68);
  expect(new Set(recorded.histories.map(({ linearizable }) => linearizable))).toStrictEqual(
    new Set([true, false]),
  );
});

test.for(recorded.histories)("recorded history $name", ({ ops, linearizable }) => {
  expect(isLinearizable(history(ops))).toBe(linearizable);
});

describe("by hand", () => {
  const cases: readonly (readonly [string, boolean, readonly Row[]])[] = [
    ["nothing happened", true, []],
    ["a read before any write", true, [[0, "read", null, 1, 2, null]]],
    ["a value that nobody wrote", false, [[0, "read", null, 1, 2, 7]]],
    [
      "a stale read",
      false,
      [
        [0, "write", 1, 1, 2, true],
        [0, "write", 2, 3, 4, true],
        [1, "read", null, 5, 6, 1],
      ],
    ],
    [
      "a read during a write sees either value",
      true,
      [
        [0, "write", 1, 1, 6, true],
        [1, "read", null, 2, 3, null],
        [2, "read", null, 4, 5, 1],
      ],
    ],
    [
      "reads that go back",
      false,
      [
        [0, "write", 1, 1, 6, true],
        [1, "read", null, 2, 3, 1],
        [2, "read", null, 4, 5, null],
      ],
    ],
    [
      "a lost update",
      false,
      [
        [0, "write", 1, 1, 2, true],
        [1, "write", 2, 3, 4, true],
        [0, "read", null, 5, 6, 1],
      ],
    ],
    [
      "two swaps from the same value",
      false,
      [
        [0, "write", 1, 1, 2, true],
        [1, "cas", [1, 2], 3, 5, true],
        [2, "cas", [1, 3], 4, 6, true],
      ],
    ],
    [
      "one of two swaps fails",
      true,
      [
        [0, "write", 1, 1, 2, true],
        [1, "cas", [1, 2], 3, 5, true],
        [2, "cas", [1, 3], 4, 6, false],
      ],
    ],
    [
      "a swap that fails although the value is equal",
      false,
      [
        [0, "write", 1, 1, 2, true],
        [1, "cas", [1, 2], 3, 4, false],
      ],
    ],
    [
      "a swap from nothing",
      true,
      [
        [0, "cas", [null, 2], 1, 2, true],
        [1, "read", null, 3, 4, 2],
      ],
    ],
    [
      "an unknown write that is seen much later",
      true,
      [
        [0, "write", 1, 1, null, "unknown"],
        [1, "read", null, 2, 3, null],
        [1, "read", null, 4, 5, 1],
      ],
    ],
    [
      "an unknown write that never happens",
      true,
      [
        [0, "write", 1, 1, null, "unknown"],
        [1, "read", null, 2, 3, null],
      ],
    ],
    [
      "an unknown write that is seen and vanishes",
      false,
      [
        [0, "write", 1, 1, null, "unknown"],
        [1, "read", null, 2, 3, 1],
        [1, "read", null, 4, 5, null],
      ],
    ],
    [
      "an unknown write that is seen before it was called",
      false,
      [
        [1, "read", null, 1, 2, 1],
        [0, "write", 1, 3, null, "unknown"],
      ],
    ],
    [
      "an unknown swap that makes a value possible",
      true,
      [
        [0, "write", 1, 1, 2, true],
        [1, "cas", [1, 2], 3, null, "unknown"],
        [2, "read", null, 4, 5, 2],
      ],
    ],
    [
      "an unknown swap from a value that never was",
      false,
      [
        [1, "cas", [1, 2], 3, null, "unknown"],
        [2, "read", null, 4, 5, 2],
      ],
    ],
    [
      "an unknown read",
      true,
      [
        [0, "read", null, 1, null, "unknown"],
        [1, "write", 1, 2, 3, true],
      ],
    ],
  ];

  test.for(cases)("%s", ([, verdict, rows]) => {
    expect(isLinearizable(history(rows))).toBe(verdict);
  });

  test("keys do not know of each other; the verdict names the key and the operation", () => {
    const good = history([[0, "write", 1, 1, 2, true]]);
    const bad = history([[0, "read", null, 3, 4, 1]], 5);

    expect(checkLinearizable([...good, ...bad])).toStrictEqual({
      kind: "not-linearizable",
      key: 5,
      stuck: bad[0],
    });
  });

  test("a search that takes too long is given up", () => {
    const writes = Array.from({ length: 12 }, (_, i): Row => [i, "write", i + 1, i + 1, 100 + i, true]);
    const read: Row = [20, "read", null, 200, 201, 99];

    expect(checkLinearizable(history([...writes, read]), { stepLimit: 1_000 })).toStrictEqual({
      kind: "undecided",
      key: 0,
    });
  });
});

/** What a register that is correct could have answered: each operation takes effect at some moment between call and return. */
function generate(
  random: RandomStream,
  clientCount: number,
  perClient: number,
  keyCount: number,
): RegisterOperation[] {
  const values = new Map<number, number>();
  const operations: RegisterOperation[] = [];
  const clients = Array.from({ length: clientCount }, (_, id) => ({
    id,
    left: perClient,
    phase: "idle",
    draft: null as null | RegisterOperation,
  }));
  let moment = 0;
  let nextValue = 1;
  for (let active = [...clients]; active.length > 0; active = active.filter(({ left }) => left > 0)) {
    const client = active[random.below(active.length)]!;
    moment++;
    if (client.draft === null) {
      const f = random.pick(["read", "write", "cas"] as const);
      const key = random.below(keyCount);
      const value = nextValue++;
      const arg =
        f === "read"
          ? null
          : f === "write"
            ? value
            : ([random.chance(0.6) ? (values.get(key) ?? null) : 0, value] as const);
      client.draft = { client: client.id, key, f, arg, call: moment, return: null, out: "unknown" };
      client.phase = "called";
    } else if (client.phase === "called") {
      const { f, key, arg } = client.draft;
      const value = values.get(key) ?? null;
      const isApplied = f === "write" || (Array.isArray(arg) && arg[0] === value);
      if (isApplied) values.set(key, Array.isArray(arg) ? (arg[1] as number) : (arg as number));
      client.draft = { ...client.draft, out: f === "read" ? value : isApplied };
      client.phase = "done";
    } else {
      const isLost = client.draft.f !== "read" && random.chance(0.002);
      operations.push(isLost ? { ...client.draft, out: "unknown" } : { ...client.draft, return: moment });
      client.draft = null;
      client.left--;
    }
  }
  return operations;
}

/** Tries every order: for histories of a few operations. */
function bruteForce(operations: readonly RegisterOperation[]): boolean {
  const place = (left: readonly RegisterOperation[], value: number | null): boolean => {
    if (left.every((one) => one.return === null)) return true;
    return left.some((one) => {
      if (left.some((other) => other.return !== null && other.return < one.call)) return false;
      const rest = left.filter((other) => other !== one);
      if (one.out === "unknown" && place(rest, value)) return true;
      if (one.f === "read") return (one.out === "unknown" || one.out === value) && place(rest, value);
      if (one.f === "write") return place(rest, one.arg as number);
      const [expected, replacement] = one.arg as [number | null, number];
      if (value === expected) return one.out !== false && place(rest, replacement);
      return one.out !== true && place(rest, value);
    });
  };
  return place(operations, null);
}

test("agrees with trying all orders, whatever was answered", () => {
  const random = new RandomStream(1, "small histories");
  const verdicts = { true: 0, false: 0 };
  for (let i = 0; i < 2_000; i++) {
    const operations = generate(random, 3, 2, 1).map((operation): RegisterOperation => {
      if (random.chance(0.15)) return { ...operation, return: null, out: "unknown" };
      if (operation.f === "read" && random.chance(0.3)) return { ...operation, out: random.between(1, 6) };
      return operation;
    });
    const expected = bruteForce(operations);
    verdicts[`${expected}`]++;

    expect(isLinearizable(operations), JSON.stringify(operations)).toBe(expected);
  }
  expect(verdicts.true).toBeGreaterThan(200);
  expect(verdicts.false).toBeGreaterThan(200);
});

describe("12 clients with 3000 operations each on 10 keys", () => {
  const operations = generate(new RandomStream(2, "long history"), 12, 3_000, 10);
  const LIMIT_MS = 10_000;

  test("are decided in less than 10 s", () => {
    const start = performance.now();

    expect(operations).toHaveLength(36_000);
    expect(isLinearizable(operations)).toBe(true);
    expect(performance.now() - start).toBeLessThan(LIMIT_MS);
  });

  test("and so they are with one wrong answer near the end", () => {
    const at = operations.findLastIndex(({ f, return: end }) => f === "read" && end !== null);
    const wrong = operations.with(at, { ...operations[at]!, out: 1 });
    const start = performance.now();

    expect(isLinearizable(wrong)).toBe(false);
    expect(performance.now() - start).toBeLessThan(LIMIT_MS);
  });
});
