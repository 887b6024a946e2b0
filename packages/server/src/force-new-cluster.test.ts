import { EntryType, type ConfState, type Entry } from "@kv/raft";
import { decodeConfChange, encodeConfChange, parseNodeId } from "@kv/raft/codec";
import { expect, test } from "vitest";
import { leaveAlone } from "./force-new-cluster.ts";

const A = parseNodeId("a");
const B = parseNodeId("b");
const C = parseNodeId("c");
const ADD = 0;
const REMOVE = 1;
const UPDATE = 2;

function normal(index: number): Entry {
  return { type: EntryType.Normal, term: 3, index, data: null };
}

function change(index: number, type: 0 | 1 | 2, nodeId: typeof A): Entry {
  const data = encodeConfChange({ id: "0", type, nodeId, context: null });
  return { type: EntryType.ConfChange, term: 3, index, data };
}

function confState(...voters: (typeof A)[]): ConfState {
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

function described(entries: readonly Entry[]): unknown[] {
  return entries.map(({ term, index, data }) => {
    const { id, type, nodeId } = decodeConfChange(data ?? new Uint8Array());
    return { term, index, id, type, nodeId };
  });
}

const HARD_STATE = { term: 3, vote: B, commit: 7 };

test("everybody else is removed behind what is committed, in the order of their ids", () => {
  const log = {
    hardState: HARD_STATE,
    entries: [change(5, ADD, C), normal(6), change(7, UPDATE, B), normal(8)],
  };

  const alone = leaveAlone(B, log, confState(A, B));

  expect(described(alone.appended)).toEqual([
    { term: 3, index: 8, id: "0", type: REMOVE, nodeId: A },
    { term: 3, index: 9, id: "0", type: REMOVE, nodeId: C },
  ]);
  expect(alone.entries).toEqual([...log.entries.slice(0, 3), ...alone.appended]);
  expect(alone.hardState).toEqual({ term: 3, vote: B, commit: 9 });
});

test("a member that is removed in what is not committed stays", () => {
  const log = { hardState: HARD_STATE, entries: [normal(7), change(8, REMOVE, B)] };

  const alone = leaveAlone(B, log, confState(A, B));

  expect(described(alone.appended)).toEqual([{ term: 3, index: 8, id: "0", type: REMOVE, nodeId: A }]);
});

test("a restored member, unknown to its log, is added behind the removals", () => {
  const alone = leaveAlone(B, { hardState: HARD_STATE, entries: [normal(7)] }, confState(A));

  expect(described(alone.appended)).toMatchObject([
    { index: 8, type: REMOVE, nodeId: A },
    { index: 9, type: ADD, nodeId: B },
  ]);
  const { context } = decodeConfChange(alone.appended[1]?.data ?? new Uint8Array());
  expect(Buffer.from(context ?? []).toString()).toBe(
    '{"id":11,"peerURLs":["http://localhost:7001","http://localhost:2380"]}',
  );
});

test("for a member that is alone already nothing is written", () => {
  const log = { hardState: HARD_STATE, entries: [change(6, ADD, B), normal(7), normal(8)] };

  const alone = leaveAlone(B, log, null);

  expect(alone.appended).toEqual([]);
  expect(alone.entries).toEqual(log.entries.slice(0, 2));
  expect(alone.hardState).toEqual(HARD_STATE);
});

test("a log without a term gets one, because no entry may be without", () => {
  const alone = leaveAlone(
    A,
    { hardState: { term: 0, vote: parseNodeId("0"), commit: 0 }, entries: [] },
    null,
  );

  expect(alone.appended.map(({ term, index }) => ({ term, index }))).toEqual([{ term: 1, index: 1 }]);
  expect(alone.hardState).toMatchObject({ term: 1, commit: 1 });
});
