import { expect, test } from "vitest";
import { OPERATIONS } from "./operations.ts";
import { programsOf, scenariosOf } from "./scenarios.ts";
import type { Scenario, Selection } from "./scenarios.ts";

const DEFAULT: Selection = { members: [1, 3], operations: null, connections: null, all: false };

test("by default every operation is measured at one member, and what goes through the log at three", () => {
  const scenarios = scenariosOf(DEFAULT);

  expect(operationsAt(scenarios, 1)).toStrictEqual(OPERATIONS);
  expect(operationsAt(scenarios, 3)).toStrictEqual([
    "qget",
    "put",
    "cas",
    "create",
    "post",
    "put64k",
    "mixed",
  ]);
});

test("by default reads and writes are measured from a lone client to a crowd", () => {
  const connections = scenariosOf({ ...DEFAULT, members: [1] })
    .filter(({ operation }) => operation === "put")
    .map((scenario) => scenario.connections);

  expect(connections).toStrictEqual([1, 16, 64, 256, 1000]);
});

test("what is asked for by name is measured, also where it says little", () => {
  expect(scenariosOf({ ...DEFAULT, members: [3], operations: ["get"], connections: [2, 4] })).toStrictEqual([
    { members: 3, operation: "get", connections: 2 },
    { members: 3, operation: "get", connections: 4 },
  ]);
});

test("all of them are every operation at every number of members and connections", () => {
  expect(scenariosOf({ ...DEFAULT, all: true })).toHaveLength(2 * OPERATIONS.length * 5);
});

test("programs go forth and back by turns, and the floor is beside reads only", () => {
  expect(programsOf("get", 0, { floor: true })).toStrictEqual(["etcd", "kvd", "floor"]);
  expect(programsOf("get", 1, { floor: true })).toStrictEqual(["floor", "kvd", "etcd"]);
  expect(programsOf("put", 1, { floor: true })).toStrictEqual(["kvd", "etcd"]);
  expect(programsOf("get", 2, { floor: false })).toStrictEqual(["etcd", "kvd"]);
});

function operationsAt(scenarios: readonly Scenario[], members: number): readonly string[] {
  return [...new Set(scenarios.filter((s) => s.members === members).map(({ operation }) => operation))];
}
