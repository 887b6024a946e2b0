import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changeConfiguration, findConfStateFault, normalizeConfState } from "./conf-change.ts";
import { compareNodeIds } from "./codec/index.ts";
import { id } from "./cluster.test.support.ts";
import {
  ConfChangeTransition,
  ConfChangeType,
  EMPTY_CONF_STATE,
  type ConfChangeV2,
  type ConfState,
} from "./types.ts";

const { Auto, JointExplicit, JointImplicit } = ConfChangeTransition;
const { AddNode, RemoveNode, UpdateNode, AddLearner } = ConfChangeType;

const KINDS = { v: AddNode, r: RemoveNode, u: UpdateNode, l: AddLearner } as const;

/** Changes in short: v1 adds voter 1, l a learner, r removes, u updates. */
function change(text: string, transition: ConfChangeV2["transition"] = Auto): ConfChangeV2 {
  const changes = text
    .split(" ")
    .filter((step) => step !== "")
    .map((step) => ({ type: KINDS[kindOf(step)], nodeId: id(step.slice(1)) }));
  return { transition, changes, context: null };
}

function kindOf(step: string): keyof typeof KINDS {
  const kind = step[0];
  if (kind === "v" || kind === "r" || kind === "u" || kind === "l") return kind;
  throw new Error(`unknown step ${step}`);
}

/** A configuration as text: voters, & outgoing, learners=, next=, auto. */
function show(shown: ConfState): string {
  const parts = [`(${shown.voters.join(" ")})`];
  if (shown.votersOutgoing.length > 0) parts.push(`&&(${shown.votersOutgoing.join(" ")})`);
  if (shown.learners.length > 0) parts.push(`learners=(${shown.learners.join(" ")})`);
  if (shown.learnersNext.length > 0) parts.push(`next=(${shown.learnersNext.join(" ")})`);
  if (shown.autoLeave) parts.push("auto");
  return parts.join(" ");
}

function list(value: string | boolean | undefined): ConfState["voters"] {
  return typeof value === "string" ? value.split(" ").map(id) : [];
}

function config(fields: Partial<Record<keyof ConfState, string | boolean>>): ConfState {
  return {
    voters: list(fields.voters),
    learners: list(fields.learners),
    votersOutgoing: list(fields.votersOutgoing),
    learnersNext: list(fields.learnersNext),
    autoLeave: fields.autoLeave === true,
  };
}

function after(before: ConfState, by: ConfChangeV2): string {
  const result = changeConfiguration(before, by);
  return "error" in result ? `${result.error.code}: ${result.error.message}` : show(result.confState);
}

const THREE = config({ voters: "1 2 3" });
const WITH_LEARNER = config({ voters: "1 2", learners: "3" });

describe("a simple change", () => {
  test.for([
    ["F-01: adds a voter", THREE, "v4", "(1 2 3 4)"],
    ["F-05: of an existing voter has no effect", THREE, "v1", "(1 2 3)"],
    ["F-06: removes a voter", THREE, "r3", "(1 2)"],
    [
      "F-09, J-39: never removes the last voter",
      config({ voters: "1" }),
      "r1",
      "E_CONF_CHANGE: removed all voters",
    ],
    ["F-10: updates nothing", THREE, "u1", "(1 2 3)"],
    ["F-11: with node 0 does nothing", THREE, "v0", "(1 2 3)"],
    ["F-16: adds a learner", THREE, "l4", "(1 2 3) learners=(4)"],
    ["F-17: promotes a learner", WITH_LEARNER, "v3", "(1 2 3)"],
    ["F-18: demotes a voter", THREE, "l3", "(1 2) learners=(3)"],
    ["F-19: of a learner that is one has no effect", WITH_LEARNER, "l3", "(1 2) learners=(3)"],
    ["removes a learner", WITH_LEARNER, "r3", "(1 2)"],
    ["removes nobody who is absent", THREE, "r9", "(1 2 3)"],
    [
      "is not allowed while joint",
      config({ voters: "1", votersOutgoing: "1 2" }),
      "v3",
      "E_CONF_CHANGE: a simple change is not allowed in a joint configuration",
    ],
  ] as const)("%s", ([, before, by, expected]) => {
    expect(after(before, change(by))).toBe(expected);
  });
});

describe("entering and leaving a joint configuration", () => {
  const joint = config({ voters: "2", votersOutgoing: "1 2", learnersNext: "1", autoLeave: true });
  test.for([
    ["F-21: explicitly", THREE, "v4 r1", JointExplicit, "(2 3 4) &&(1 2 3)"],
    ["F-21: explicitly with one step", THREE, "v1", JointExplicit, "(1 2 3) &&(1 2 3)"],
    ["F-22: because of two steps", THREE, "v4 v5", Auto, "(1 2 3 4 5) &&(1 2 3) auto"],
    ["F-22: implicitly", THREE, "v4", JointImplicit, "(1 2 3 4) &&(1 2 3) auto"],
    ["F-28: with a demotion", THREE, "l3 v4", Auto, "(1 2 4) &&(1 2 3) next=(3) auto"],
    ["F-29: removing and adding again", THREE, "r3 v3", Auto, "(1 2 3) &&(1 2 3) auto"],
    ["F-30: adding twice", THREE, "v4 v4", Auto, "(1 2 3 4) &&(1 2 3) auto"],
    ["F-30: learner, then voter", THREE, "l4 v4", Auto, "(1 2 3 4) &&(1 2 3) auto"],
    ["F-30: demoted, then voter again", THREE, "l3 v3", Auto, "(1 2 3) &&(1 2 3) auto"],
    ["F-30: demoted, then removed", THREE, "l3 r3", Auto, "(1 2) &&(1 2 3) auto"],
    ["F-34: replacing everybody", THREE, "v4 v5 v6 r1 r2 r3", Auto, "(4 5 6) &&(1 2 3) auto"],
    ["F-09: never removing all voters", THREE, "r1 r2 r3", Auto, "E_CONF_CHANGE: removed all voters"],
    ["not twice", joint, "v4 v5", Auto, "E_CONF_CHANGE: the configuration is already joint"],
    [
      "not without voters",
      EMPTY_CONF_STATE,
      "v4 v5",
      Auto,
      "E_CONF_CHANGE: a configuration without voters cannot become joint",
    ],
    ["F-28: leaving makes next learners learners", joint, "", Auto, "(2) learners=(1)"],
    [
      "leaving is not possible before entering",
      THREE,
      "",
      Auto,
      "E_CONF_CHANGE: the configuration is not joint",
    ],
  ] as const)("%s", ([, before, by, transition, expected]) => {
    expect(after(before, change(by, transition))).toBe(expected);
  });

  test("a learner that is removed and added again starts without progress, an outgoing voter keeps its own", () => {
    const learner = changeConfiguration(WITH_LEARNER, change("r3 l3"));
    expect("renewed" in learner && [...learner.renewed]).toEqual(["3"]);

    const voter = changeConfiguration(THREE, change("r3 v3"));
    expect("renewed" in voter && [...voter.renewed]).toEqual([]);
  });

  test("the configuration before is not changed, and an unknown kind of change is refused", () => {
    const before = show(THREE);
    const unknown: ConfChangeV2 = JSON.parse(
      '{"transition":0,"changes":[{"type":9,"nodeId":"4"}],"context":null}',
    );

    expect(after(THREE, unknown)).toBe("E_CONF_CHANGE: unknown kind of change 9");
    after(THREE, change("r1 r2"));

    expect(show(THREE)).toBe(before);
  });
});

test.for([
  [config({ voters: "1", learners: "1" }), "learner 1 is also a voter"],
  [config({ voters: "1", votersOutgoing: "2", learners: "2" }), "learner 2 is also a voter"],
  [config({ voters: "1", votersOutgoing: "1", learnersNext: "2" }), "next learner 2 is no outgoing voter"],
  [
    config({ voters: "1 2", votersOutgoing: "2", learnersNext: "2" }),
    "next learner 2 is already something else",
  ],
  [config({ voters: "1", autoLeave: true }), "a configuration that is not joint cannot leave by itself"],
  [config({ voters: "1", votersOutgoing: "1 2", learnersNext: "2", learners: "3", autoLeave: true }), null],
] as const)("F-35: of %o it is said: %s", ([broken, fault]) => {
  expect(findConfStateFault(broken)).toBe(fault);
});

const anyStep = fc.record({
  type: fc.constantFrom(AddNode, RemoveNode, UpdateNode, AddLearner),
  nodeId: fc.integer({ min: 0, max: 6 }).map((n) => id(`${n}`)),
});
const anyChange: fc.Arbitrary<ConfChangeV2> = fc.record({
  transition: fc.constantFrom(Auto, JointImplicit, JointExplicit),
  changes: fc.array(anyStep, { maxLength: 4 }),
  context: fc.constant(null),
});

test("F-36: any sequence of changes keeps the configuration sound, sorted, and equal when it is restored", () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 12 }), (changes) => {
      let current = normalizeConfState(THREE);
      for (const by of changes) {
        const result = changeConfiguration(current, by);
        if ("error" in result) continue;
        current = result.confState;

        expect(findConfStateFault(current)).toBeNull();
        expect(current.voters.length).toBeGreaterThan(0);
        expect(normalizeConfState(current)).toEqual(current);
        expect(current.voters).toEqual(current.voters.toSorted(compareNodeIds));
      }
    }),
  );
});
