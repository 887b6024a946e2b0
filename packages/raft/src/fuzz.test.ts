// Corrupted and hostile messages, a part of what scripts/fuzz.mjs sends; and single ones by name.

import { expect, test } from "vitest";
import { entriesOf, entryAt, message, snapshotAt, TestNode } from "./cluster.test.support.ts";
import { fuzz } from "./fuzz.test.support.ts";
import { MessageType } from "./message.ts";
import { Role } from "./types.ts";

const { App, AppResp, Heartbeat, Prop, Snap } = MessageType;

const MESSAGE_COUNT = 20_000;

test.for([1, 2, 3])(
  "whatever is sent (seed %i), only documented errors come of it and the invariants hold",
  (seed) => {
    const outcomes = fuzz(seed, MESSAGE_COUNT);

    // What was sent is of all kinds: taken, refused, fatal as documented.
    expect([...outcomes.keys()].toSorted()).toEqual([
      "E_FATAL",
      "E_FORGED",
      "E_LOCAL_MSG",
      "E_PEER_NOT_FOUND",
      "E_PROPOSAL_DROPPED",
      "refused by the codec",
      "taken",
    ]);
  },
);

test.for([
  ["with a gap between two", [entryAt(2, 2), entryAt(4, 2), entryAt(4, 2)]],
  ["with one twice", [entryAt(2, 2), entryAt(2, 2), entryAt(4, 2)]],
  ["with terms that fall", [entryAt(2, 2), entryAt(3, 1)]],
  ["below the term of the one before them", [entryAt(2, 0)]],
  ["of a term that has not begun", [entryAt(2, 3)]],
] as const)("entries %s are neither appended nor answered", ([, entries]) => {
  const node = new TestNode({ log: [1], term: 2 });
  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: 2 }));
  node.drain();

  node.raw.step(message(App, { from: "2", to: "1", term: 2, index: 1, logTerm: 1, entries }));

  expect([node.drain(), node.terms()]).toEqual([[], [1]]);
});

test("a snapshot of a term that has not begun is not installed", () => {
  const node = new TestNode({ log: [1], term: 2 });

  node.raw.step(message(Snap, { from: "2", to: "1", term: 2, snapshot: snapshotAt(9, 3, ["1", "2"]) }));

  expect(node.drain()).toMatchObject([{ type: AppResp, index: 0 }]);
  expect(node.raw.status().lastIndex).toBe(1);
});

test("a node that was told of the last term there is fails when it has to begin another one", () => {
  const node = new TestNode({ log: [1], term: 1 });
  node.raw.step(message(Heartbeat, { from: "2", to: "1", term: Number.MAX_SAFE_INTEGER }));
  node.drain();

  expect(() => node.raw.tick(20)).toThrow(
    expect.objectContaining({ code: "E_FATAL", message: "there is no term above 9007199254740991" }),
  );
});

test("a proposal belongs to no term: one that names a term changes none", () => {
  const leader = new TestNode({ voters: ["1"] }).lead();
  leader.drain();
  expect(leader.raw.role).toBe(Role.Leader);

  const entries = entriesOf([0]);
  expect(leader.raw.step(message(Prop, { from: "2", to: "1", term: 9, entries }))).toEqual({ ok: true });

  expect([leader.raw.role, leader.raw.term]).toEqual([Role.Leader, 1]);
  expect(leader.terms()).toEqual([1, 1]);
});

test("an acknowledgement of what the leader has never had changes nothing", () => {
  const leader = new TestNode().lead();
  leader.drain();

  for (const from of ["2", "3"]) {
    leader.raw.step(message(AppResp, { from, to: "1", term: 1, index: Number.MAX_SAFE_INTEGER }));
  }

  expect(leader.raw.commit).toBe(0);
  expect(leader.raw.status().progress).toMatchObject({ "2": { match: 0 }, "3": { match: 0 } });
});
